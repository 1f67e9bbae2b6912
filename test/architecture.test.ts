/** Holds the sources to the table of rooms: who may use whom, which package passes which gate, where effects begin. */
import test from 'ava';
import { gates, house } from './house.ts';
import { readSources, type Source, sourceOf, withoutComments } from './sources.ts';

const sources = readSources();

const mayUse = (from: string, to: string): boolean =>
  from === 'entry' || from === to || (house[from]?.includes(to) ?? false);

const roomBreaks = ({ path, room, imports }: Source): readonly string[] =>
  imports
    .filter(({ isPackage }) => !isPackage)
    .filter(({ target }) => !mayUse(room, target.includes('/') ? target.split('/')[0]! : 'entry'))
    .map(({ target }) => `${path} uses ${target}: room ${room} may use ${house[room]?.join(', ')}`);

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
const holdersOfEffects = ['base/clock.ts', 'engines/onnxruntime.ts'];

const effectBreaks = ({ path, room, text }: Source): readonly string[] => {
  if (room === 'entry' || holdersOfEffects.includes(path)) return [];
  const code = withoutComments(text);
  return Object.entries(effects)
    .filter(([, pattern]) => pattern.test(code))
    .map(([name]) => `${path} reads ${name}: take it as an argument`);
};

test('there is something to hold to the table', (t) => {
  t.true(sources.length > 50);
  t.true(sources.flatMap(({ imports }) => imports).length > 100);
});

test('every folder of src is a room of the house', (t) => {
  const strangers = sources.filter(({ room }) => room !== 'entry' && !(room in house));
  t.deepEqual(
    strangers.map(({ path }) => path),
    [],
  );
});

test('arrows point down: a room comes after every room that it uses', (t) => {
  const order = Object.keys(house);
  for (const [room, used] of Object.entries(house))
    for (const other of used) t.true(order.indexOf(other) < order.indexOf(room), `${room} uses ${other}`);
});

test('each room uses only what the house allows', (t) => {
  t.deepEqual(sources.flatMap(roomBreaks), []);
});

test('the house allows nothing that no room does', (t) => {
  const roomOf = (path: string) => path.split('/')[0]!;
  const done = new Set(
    sources.flatMap(({ room, imports }) => imports.map(({ target }) => `${room} → ${roomOf(target)}`)),
  );
  const allowed = Object.entries(house).flatMap(([room, used]) => used.map((other) => `${room} → ${other}`));
  t.deepEqual(
    allowed.filter((step) => !done.has(step)),
    [],
  );
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

test('the files of a room do not import each other in a circle', (t) => {
  const values = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter(({ isPackage, typeOnly }) => !isPackage && !typeOnly).map(({ target }) => target),
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

test('names an import that breaks it', breaks, 'worker/x.ts', "import { a } from '../jobs/pod.ts';", [
  `worker/x.ts uses jobs/pod.ts: room worker may use ${house.worker!.join(', ')}`,
]);
test('a type breaks it as well', breaks, 'base/x.ts', "import type { A } from '../api/schema.ts';", [
  'base/x.ts uses api/schema.ts: room base may use ',
]);
test(
  'a type of a gated package passes',
  breaks,
  'jobs/x.ts',
  "import type { V1Job } from '@kubernetes/client-node';",
  [],
);
test(
  'its value does not',
  breaks,
  'jobs/x.ts',
  "import {\n  type V1Job,\n  KubeConfig,\n} from '@kubernetes/client-node';",
  ['jobs/x.ts imports @kubernetes/client-node: only runtime may'],
);
test('nor a dynamic import', breaks, 'jobs/x.ts', "const s = await import('sharp');", [
  'jobs/x.ts imports sharp: only preprocessing may',
]);
test('a clock read on the way is named', breaks, 'jobs/x.ts', 'const now = Date.now();', [
  'jobs/x.ts reads Date.now: take it as an argument',
]);
test(
  'an entry may do all of it',
  breaks,
  'operator.ts',
  "import { a } from './jobs/pod.ts';\nDate.now();",
  [],
);
