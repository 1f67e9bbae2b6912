/**
 * Entry: prints the software bill of materials of an image (CycloneDX 1.5). Not shipped.
 * `node src/sbom.ts [--node] [--npm [--installed]] [--python REQUIREMENTS] [--debian] [--base FOLDER]`: the Node.js that
 * runs this file; npm packages of package-lock.json, with --installed those alone that are in node_modules; Python packages with
 * their hashes; the Debian packages that the Dockerfile copies; all Debian packages of the base image in a folder.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { makeBill, markBase, nodeComponent } from './supply/components/component.ts';
import { copiedPackages, debianComponents } from './supply/components/debian.ts';
import { npmComponents } from './supply/components/npm.ts';
import { pythonComponents } from './supply/components/python.ts';
import { addLicence } from './supply/licences/judge.ts';

const { values } = parseArgs({
  options: {
    node: { type: 'boolean', default: false },
    npm: { type: 'boolean', default: false },
    installed: { type: 'boolean', default: false },
    python: { type: 'string' },
    debian: { type: 'boolean', default: false },
    base: { type: 'string' },
  },
});

/** Debian has one `status` file, distroless images have a file per package. */
const readStatus = (folder: string): string =>
  globSync([`${folder}/var/lib/dpkg/status`, `${folder}/var/lib/dpkg/status.d/*`])
    .filter((path) => !path.endsWith('.md5sums'))
    .sort()
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n\n');

const components = [
  ...(values.node ? [nodeComponent(process.versions.node)] : []),
  ...(values.npm
    ? npmComponents(
        readFileSync('package-lock.json', 'utf8'),
        (path) => !values.installed || existsSync(path),
      )
    : []),
  ...(values.python ? pythonComponents(readFileSync(values.python, 'utf8')) : []),
  ...(values.debian ? debianComponents(readStatus(''), copiedPackages) : []),
  ...(values.base ? debianComponents(readStatus(values.base)).map(markBase) : []),
];
process.stdout.write(`${JSON.stringify(makeBill(components.map(addLicence)), undefined, 1)}\n`);
