/**
 * Entry: writes all generated files (`npm run generate`); with `--check`, lists files that are out of date and fails. Not
 * shipped.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { permissions as tensorfilePermissions } from './cluster/calibrationtensorfile/permissions.ts';
import { permissions as deviceClassPermissions } from './cluster/deviceclass/permissions.ts';
import type { PublishedFile } from './cluster/manifests/file.ts';
import { flagFiles } from './cluster/manifests/flags.ts';
import { installFiles } from './cluster/manifests/install.ts';
import { referenceFiles } from './cluster/manifests/reference.ts';
import { permissions as modelExportPermissions } from './cluster/modelexport/permissions.ts';
import { permissions as ownedJobPermissions } from './cluster/ownedjobs/permissions.ts';

const root = join(import.meta.dirname, '..');

const permissions = [
  ...modelExportPermissions,
  ...tensorfilePermissions,
  ...ownedJobPermissions,
  ...deviceClassPermissions,
];
const files: readonly PublishedFile[] = [
  ...installFiles(permissions),
  ...referenceFiles(permissions),
  ...flagFiles(),
];

const current = (path: string): string | undefined => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
};

const differing = files.filter(({ path, content }) => current(path) !== content);

const write = ({ path, content }: PublishedFile): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};

if (!process.argv.includes('--check')) {
  for (const file of differing) write(file);
  console.log(`${files.length} generated files, ${differing.length} of them changed`);
} else if (differing.length > 0) {
  const names = differing.map(({ path }) => `  ${path}`).join('\n');
  console.error(`out of date (run \`npm run generate\` and commit):\n${names}`);
  process.exitCode = 1;
}
