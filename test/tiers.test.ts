/** The two tiers of tests: each file of tests is in exactly one, and `npm test` starts nothing that takes minutes. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import cluster from './ava.cluster.config.js';
import fast from './ava.config.js';
import { readSources, type Source } from './sources.ts';

const root = join(import.meta.dirname, '..');
const filesOf = ({ files }: { readonly files: readonly string[] }): readonly string[] =>
  globSync([...files], { cwd: root });

const sources = new Map(readSources(import.meta.dirname).map((source) => [source.path, source]));
const ofTests = [...sources.keys()].filter((path) => /\.(test|cluster)\.ts$/.test(path));

/** A file, and all files of `test` that it loads. */
const loaded = (path: string, seen = new Set<string>()): ReadonlySet<string> => {
  const source = sources.get(path);
  if (!source || seen.has(path)) return seen;
  seen.add(path);
  for (const { target, typeOnly } of source.imports) if (!typeOnly) loaded(target, seen);
  return seen;
};

/** What only the second tier may load: kubelets, images, operators on a control plane, faults, readers of pages. */
const slow = [
  'cluster/node.ts',
  'cluster/images.ts',
  'builders/operator.ts',
  'outages/replica.ts',
  'faults/inject.ts',
  'pages/reader.ts',
];
const startsController = ({ text }: Source): boolean => /controllerManager:\s*true/.test(text);

const isSlow = (path: string): boolean =>
  startsController(sources.get(path)!) || slow.some((module) => loaded(path).has(module));

test('each file of tests is in exactly one tier', (t) => {
  const tiers = [fast, cluster].flatMap(filesOf);
  t.deepEqual(tiers.toSorted(), ofTests.map((path) => `test/${path}`).toSorted());
  t.true(filesOf(fast).length > 200 && filesOf(cluster).length > 10);
});

test('no test is outside the files of tests', (t) => {
  const inTiers = new Set(ofTests.flatMap((path) => [...loaded(path)]));
  const importsAva = [...sources.values()].filter(({ imports }) =>
    imports.some(({ target, typeOnly }) => target === 'ava' && !typeOnly),
  );
  t.deepEqual(
    importsAva.map(({ path }) => path).filter((path) => !inTiers.has(path)),
    [],
  );
});

test('npm test starts no kubelet, no operator on a control plane, and no fault that kills programs', (t) => {
  t.deepEqual(
    slow.filter((path) => !sources.has(path)),
    [],
    'the list names files',
  );
  t.deepEqual(
    ofTests.filter((path) => path.endsWith('.test.ts') && isSlow(path)),
    [],
  );
});
