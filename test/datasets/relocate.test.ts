import test from 'ava';
import type { LoaderPlan } from '../../src/data/datasets/plan.ts';
import { relocatePlan } from '../../src/data/datasets/relocate.ts';
import { caffeValues } from '../../src/data/preprocessing/values.ts';

const common = {
  size: { channels: 3, height: 4, width: 6 },
  batchSize: 4,
  geometry: { kind: 'nearest' },
  values: caffeValues(3),
} as const;

const moves = test.macro({
  exec: (t, [from, to]: [string, string], path: string, expected: string) => {
    const plan: LoaderPlan = { kind: 'classFolders', training: path, ...common };
    t.is((relocatePlan(plan, { from, to }) as typeof plan & { training: string }).training, expected);
  },
  title: (_, [from, to], path, expected) => `${path} with ${from} at ${to} is ${expected}`,
});
test(moves, ['/workspace/data', '/mnt/c'], '/workspace/data/kitti/train', '/mnt/c/kitti/train');
test(moves, ['/workspace/data/', '/mnt/c'], '/workspace/data/kitti', '/mnt/c/kitti');
test(moves, ['/workspace/data', '/mnt/c'], '/workspace/data', '/mnt/c');
test(moves, ['/workspace/data', '/mnt/c'], '/workspace/database', '/workspace/database');
test(moves, ['/workspace/data', '/mnt/c'], 'kitti/train', 'kitti/train');
test(moves, ['/workspace/data', '/mnt/c'], '/other/workspace/data', '/other/workspace/data');

/** Every path of a plan, in its order. */
const pathsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return value.startsWith('/') ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : [];
};

const source = (name: string) => ({ records: `/a/${name}/*`, imageFolder: `/a/${name}`, weight: 2 });
const kitti = (name: string) => ({ imageFolder: `/a/${name}/images`, labelFolder: `/a/${name}/labels` });
const plans: readonly LoaderPlan[] = [
  { kind: 'classFolders', training: '/a/train', validation: '/a/val', ...common },
  { kind: 'kittiFolders', training: [kitti('x'), kitti('y')], validation: [kitti('z')], ...common },
  { kind: 'tfrecords', sources: [source('x'), source('y')], imageExtension: 'png', ...common },
  {
    kind: 'tfrecords',
    sources: [source('x')],
    imageExtension: 'png',
    validation: { source: source('z') },
    ...common,
  },
  { kind: 'tfrecords', sources: [source('x')], imageExtension: 'png', validation: { fold: 0 }, ...common },
];

for (const [index, plan] of plans.entries())
  test(`every path of a plan moves, and nothing else of it changes: ${plan.kind} ${index}`, (t) => {
    const moved = relocatePlan(plan, { from: '/a', to: '/b/c' });
    t.deepEqual(
      pathsIn(moved),
      pathsIn(plan).map((path) => path.replace('/a', '/b/c')),
    );
    t.deepEqual(relocatePlan(moved, { from: '/b/c', to: '/a' }), plan);
  });
