/** Checks the sources against the architecture: allowed imports, gated packages, where effects begin. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { gates, house } from './house.ts';
import { readSources, roomOf, type Source, sourceOf, sourceRoot, withoutComments } from './sources.ts';

const sources = readSources();
const rooms = Object.entries(house).flatMap(([wing, { rooms }]) =>
  Object.keys(rooms).map((room) => `${wing}/${room}`),
);

/** Rooms of the same wing, and whole wings, that a room may use. */
const allowedFor = (room: string): readonly string[] => {
  const [wing = '', name = ''] = room.split('/');
  const used = house[wing]?.rooms[name] ?? [];
  return [...used.map((other) => `${wing}/${other}`), ...(house[wing]?.uses ?? [])];
};

const mayUse = (from: string, to: string): boolean =>
  from === 'entry' ||
  from === to ||
  allowedFor(from).some((allowed) => to === allowed || to.startsWith(`${allowed}/`));

const roomBreaks = ({ path, room, imports }: Source): readonly string[] =>
  imports
    .filter(({ isPackage, target }) => !isPackage && !mayUse(room, roomOf(target)))
    .map(({ target }) => `${path} uses ${target}: ${room} may use ${allowedFor(room).join(', ')}`);

const gateBreaks = ({ path, room, imports }: Source): readonly string[] =>
  imports
    .filter(({ isPackage, typeOnly, target }) => isPackage && !typeOnly && !gates[target]?.includes(room))
    .map(({ target }) => `${path} imports ${target}: only ${gates[target]?.join(', ') ?? 'no room'} may`);

/** The world outside: entries hold it and hand it on. */
const effects: Readonly<Record<string, RegExp>> = {
  process: /\bprocess\b(?!\w)\./,
  'Date.now': /\bDate\.now\(/,
  'new Date()': /\bnew Date\(\)/,
  'Math.random': /\bMath\.random\b/,
  timer: /\bset(Timeout|Interval|Immediate)\(/,
};

/** Makes time out of the world outside, or must have changed it before anyone uses what it hands on. */
const holdersOfEffects = ['ground/base/clock.ts', 'graph/inference/onnxruntime.ts'];

const effectBreaks = ({ path, room, text }: Source): readonly string[] => {
  if (room === 'entry' || holdersOfEffects.includes(path)) return [];
  const code = withoutComments(text).replace(/^const \w+Script = `[^`]*`;$/gm, ''); // Runs in a pod.
  return Object.entries(effects)
    .filter(([, pattern]) => pattern.test(code))
    .map(([name]) => `${path} reads ${name}: take it as an argument`);
};

test('there is something to hold to the table', (t) => {
  t.true(sources.length > 50);
  t.true(sources.flatMap(({ imports }) => imports).length > 100);
});

test('every folder of src is a room of the house', (t) => {
  const strangers = sources.filter(({ room }) => room !== 'entry' && !rooms.includes(room));
  t.deepEqual(
    strangers.map(({ path }) => path),
    [],
  );
});

test('imports point down: a wing or room comes after everything that it uses', (t) => {
  const wings = Object.keys(house);
  for (const [wing, { uses, rooms: inside }] of Object.entries(house)) {
    for (const other of uses)
      t.true(wings.indexOf(other) < wings.indexOf(wing) && wings.includes(other), `${wing} uses ${other}`);
    const order = Object.keys(inside);
    for (const [room, used] of Object.entries(inside))
      for (const other of used)
        t.true(order.indexOf(other) < order.indexOf(room) && order.includes(other), `${room} uses ${other}`);
  }
});

test('each room uses only what the house allows', (t) => {
  t.deepEqual(sources.flatMap(roomBreaks), []);
});

test('the operator knows Kubernetes and no bytes; the worker and the tools know bytes and no Kubernetes', (t) => {
  t.deepEqual(house.cluster!.uses, ['ground']);
  const bytes = Object.entries(house).filter(([wing]) => wing !== 'cluster');
  t.deepEqual(
    bytes.filter(([, { uses }]) => uses.includes('cluster')).map(([wing]) => wing),
    [],
  );
});

test('the house allows no import that no room needs', (t) => {
  const wingOf = (room: string) => room.split('/')[0]!;
  const done = new Set(
    sources.flatMap(({ room, imports }) =>
      imports
        .filter(({ isPackage }) => !isPackage)
        .map(({ target }) => roomOf(target))
        .flatMap((other) => [`${room} → ${other}`, `${wingOf(room)} → ${wingOf(other)}`]),
    ),
  );
  const allowed = Object.entries(house).flatMap(([wing, { uses, rooms: inside }]) => [
    ...uses.map((other) => `${wing} → ${other}`),
    ...Object.entries(inside).flatMap(([room, used]) =>
      used.map((other) => `${wing}/${room} → ${wing}/${other}`),
    ),
  ]);
  t.deepEqual(
    allowed.filter((step) => !done.has(step)),
    [],
  );
});

test('src/README.md describes exactly these wings and rooms, in this order', (t) => {
  const readme = readFileSync(join(sourceRoot, 'README.md'), 'utf8');
  const described = [...readme.matchAll(/^\| `([a-z0-9-]+\/[a-z0-9-]+)` \|/gm)].map(([, room]) => room);
  t.deepEqual(described, rooms);
});

test('src/README.md names only existing files', (t) => {
  const readme = readFileSync(join(sourceRoot, 'README.md'), 'utf8');
  const named = [...readme.matchAll(/`([a-z0-9/-]+\/[a-z0-9-]+\.ts)`/g)].map(([, path]) => path!);
  t.true(named.length > 10);
  t.deepEqual(
    named.filter((path) => !existsSync(join(sourceRoot, path.replace(/^test\//, '../test/')))),
    [],
  );
});

/** Files outside cluster/runtime that write to the apiserver. */
const writers = [
  'cluster/deviceclass/controller.ts',
  'cluster/ownedjobs/apply.ts',
  'cluster/plugin/write.ts',
];

test('two files of the operator, and one of the plugin, write to the apiserver', (t) => {
  const writes = /\bclient\.(create|apply|mergePatch|replace|remove)\(|\bwriteStatus\(/;
  const found = sources.filter(
    ({ path, room, text }) =>
      path.startsWith('cluster/') && room !== 'cluster/runtime' && writes.test(withoutComments(text)),
  );
  t.deepEqual(found.map(({ path }) => path).sort(), writers);
});

test('each package passes only its gate', (t) => {
  t.deepEqual(sources.flatMap(gateBreaks), []);
});

test('time, chance, timers and the process come in as arguments', (t) => {
  t.deepEqual(sources.flatMap(effectBreaks), []);
});

test('no file passes 250 lines, generated ones aside', (t) => {
  const long = sources.filter(
    ({ path, text }) => !path.includes('generated/') && text.split('\n').length > 251,
  );
  t.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});

test('files do not import each other in a circle, types included', (t) => {
  const values = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter(({ isPackage }) => !isPackage).map(({ target }) => target),
    ]),
  );
  const circles = [...values.keys()].flatMap((path) => circleFrom(path, values) ?? []);
  t.deepEqual(circles, []);
});

/** A way from the file back to itself, or undefined. */
const circleFrom = (start: string, values: ReadonlyMap<string, readonly string[]>): string | undefined => {
  const seen = new Set<string>();
  const walk = (path: string, way: readonly string[]): string | undefined => {
    for (const next of values.get(path) ?? []) {
      if (next === start) return [...way, next].join(' → ');
      if (seen.has(next)) continue;
      seen.add(next);
      const found = walk(next, [...way, next]);
      if (found) return found;
    }
    return undefined;
  };
  return walk(start, [start]);
};

const breaks = test.macro({
  exec: (t, path: string, text: string, expected: readonly string[]) => {
    const source = sourceOf(path, text);
    t.deepEqual([...roomBreaks(source), ...gateBreaks(source), ...effectBreaks(source)], expected);
  },
  title: (name) => `the table itself: ${name}`,
});

test(
  'an import of another wing that the wing may not use is named',
  breaks,
  'adapters/worker/x.ts',
  "import { a } from '../../cluster/jobs/pod.ts';",
  [
    `adapters/worker/x.ts uses cluster/jobs/pod.ts: adapters/worker may use adapters/storage, ${house.adapters!.uses.join(', ')}`,
  ],
);
test(
  'an import of another room of the wing that the room may not use is named',
  breaks,
  'cluster/api/x.ts',
  "import { a } from '../jobs/pod.ts';",
  ['cluster/api/x.ts uses cluster/jobs/pod.ts: cluster/api may use ground'],
);
test(
  'a type breaks it as well',
  breaks,
  'ground/base/x.ts',
  "import type { A } from '../../cluster/api/schema.ts';",
  ['ground/base/x.ts uses cluster/api/schema.ts: ground/base may use '],
);
test(
  'a type of a gated package passes',
  breaks,
  'cluster/jobs/x.ts',
  "import type { V1Job } from '@kubernetes/client-node';",
  [],
);
test(
  'its value does not',
  breaks,
  'cluster/jobs/x.ts',
  "import {\n  type V1Job,\n  KubeConfig,\n} from '@kubernetes/client-node';",
  ['cluster/jobs/x.ts imports @kubernetes/client-node: only cluster/runtime may'],
);
test('nor a dynamic import', breaks, 'cluster/jobs/x.ts', "const s = await import('sharp');", [
  'cluster/jobs/x.ts imports sharp: only data/preprocessing may',
]);
test('a clock read on the way is named', breaks, 'cluster/jobs/x.ts', 'const now = Date.now();', [
  'cluster/jobs/x.ts reads Date.now: take it as an argument',
]);
test(
  'an entry may do all of it',
  breaks,
  'operator.ts',
  "import { a } from './cluster/jobs/pod.ts';\nDate.now();",
  [],
);
