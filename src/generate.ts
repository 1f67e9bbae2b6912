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
import type { PublishedFile } from './cluster/manifests/file.ts';
import { flagFiles } from './cluster/manifests/flags.ts';
import { installFiles } from './cluster/manifests/install.ts';
import { monitoringFiles } from './cluster/manifests/monitoring/monitoring.ts';
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
