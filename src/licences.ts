/**
 * Entry: prints the licence of each package of a bill of materials, and fails if the policy refuses one. Not shipped.
 * `node src/licences.ts SBOM`.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Bill } from './supply/components/component.ts';
import { findRefused, listLicences } from './supply/licences/judge.ts';

const [path = ''] = process.argv.slice(2);
const { components } = JSON.parse(readFileSync(path, 'utf8')) as Bill;
const refused = findRefused(components);
if (refused.length > 0) {
  process.stderr.write(
    `Checking the licences of ${path}: the policy does not allow these: ${refused.join('; ')}. ` +
      'Remove the package, or read its licence and add it to src/supply/licences/policy.ts.\n',
  );
  process.exitCode = 1;
}
process.stdout.write(listLicences(components));
