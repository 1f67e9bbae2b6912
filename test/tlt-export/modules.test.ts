/** What the start of an export loads. Each module costs about a millisecond of a start of half a second. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');

const listing = (files: readonly string[]): string => `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  for (const url of ${JSON.stringify(files.map((file) => pathToFileURL(join(root, file)).href))}) await import(url);
  console.log(JSON.stringify(loaded));`;

/** Paths of the modules that these files load, relative to the project. */
const listLoaded = (...files: readonly string[]): readonly string[] => {
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', listing(files)]);
  const from = `${pathToFileURL(root).href}/`;
  return (JSON.parse(String(printed)) as string[]).map((url) => url.replace(from, ''));
};

/** Only some exports need these: of a spec, of records or tensorfiles, with a codec, deployment files or levers. */
const rarelyUsed = [
  'src/data/specs/experiment-spec.ts',
  'src/data/datasets/loader.ts',
  'src/formats/hdf5/tensorfile-reader.ts',
  'src/formats/hdf5/tensorfile-writer.ts',
  'src/formats/crypto/external/codec.ts',
  'src/export/deployment/deployment-files.ts',
  'src/export/deployment/network-facts.ts',
  'src/export/pipeline/lever-trial.ts',
  'src/graph/transforms/equalise/equalise.ts',
];

test('an export starts without the modules that few exports use', (t) => {
  const loaded = new Set(listLoaded('src/tool.ts', 'src/adapters/tlt-export/run-export.ts'));
  t.true(loaded.has('src/export/pipeline/artifacts.ts'));
  t.deepEqual(
    rarelyUsed.filter((path) => loaded.has(path)),
    [],
  );
  for (const name of ['cli-progress', 'age-encryption', 'h5wasm'])
    t.false(
      [...loaded].some((path) => path.includes(`node_modules/${name}/`)),
      name,
    );
});

test('the modules that few exports use are modules of the project', (t) => {
  const loaded = new Set(listLoaded(...rarelyUsed));
  t.deepEqual(
    rarelyUsed.filter((path) => !loaded.has(path)),
    [],
  );
});
