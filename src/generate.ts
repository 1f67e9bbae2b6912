/**
 * Entry: writes all generated files (`npm run generate`); with `--check`, lists files that are out of date and fails. Not
 * shipped.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { permissions as tensorfilePermissions } from './cluster/calibrationtensorfile/permissions.ts';
import { permissions as deviceClassPermissions } from './cluster/deviceclass/permissions.ts';
import { argocdFiles } from './cluster/manifests/argocd.ts';
import { chartFiles } from './cluster/manifests/chart/chart.ts';
import { markdownFile, type PublishedFile } from './cluster/manifests/file.ts';
import { flagFiles } from './cluster/manifests/flags.ts';
import { installFiles } from './cluster/manifests/install.ts';
import { monitoringFiles } from './cluster/manifests/monitoring/monitoring.ts';
import { referenceFiles } from './cluster/manifests/reference.ts';
import { permissions as modelExportPermissions } from './cluster/modelexport/permissions.ts';
import { permissions as ownedJobPermissions } from './cluster/ownedjobs/permissions.ts';
import { nodeComponent } from './supply/components/component.ts';
import { copiedPackages } from './supply/components/debian.ts';
import { npmComponents } from './supply/components/npm.ts';
import { pythonComponents } from './supply/components/python.ts';
import { addLicence } from './supply/licences/judge.ts';
import { licenceSections } from './supply/licences/page.ts';

const root = join(import.meta.dirname, '..');

const permissions = [
  ...modelExportPermissions,
  ...tensorfilePermissions,
  ...ownedJobPermissions,
  ...deviceClassPermissions,
];
/** One object per kind of the samples. */
const samplesOf = (files: readonly string[]): readonly object[] =>
  files.map((file) => {
    const documents = parseAllDocuments(readFileSync(join(root, 'deploy/samples', file), 'utf8'));
    const objects = documents.map((document) => document.toJS() as { readonly apiVersion: string });
    return objects.find(({ apiVersion }) => apiVersion.startsWith('export.tlt.dev/'))!;
  });

const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly description: string;
};

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What comes from the build base has its version. */
const ofBase = (name: string) => ({ ...nodeComponent('of the build base'), name });

const licencePage = (): PublishedFile => {
  const parts = {
    'Image operator': [ofBase('node'), ...npmComponents(textOf('package-lock.json'), () => true)],
    'Image tensorrt-rtx': [
      ...copiedPackages.map(ofBase),
      ...pythonComponents(textOf('requirements/tensorrt-rtx.txt')),
    ],
    'Image nvidia-codec': pythonComponents(textOf('requirements/nvidia-codec.txt')),
  };
  const sections = Object.entries(parts).map(([title, packages]) => ({
    title,
    components: packages.map(addLicence),
  }));
  return markdownFile('docs/reference/licences.md', 'Licences of the images', licenceSections(sections));
};

const files: readonly PublishedFile[] = [
  ...chartFiles({
    permissions,
    version,
    description,
    examples: samplesOf(['model-export.yaml', 'tensorfile.yaml', 'device-classes.yaml']),
  }),
  ...installFiles(permissions),
  ...monitoringFiles(),
  ...argocdFiles((script) => readFileSync(join(root, `deploy/argocd/lua/${script}.lua`), 'utf8')),
  ...referenceFiles(permissions),
  ...flagFiles(),
  licencePage(),
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
