/** Assembled modules, as V8 reads them. */
import test from 'ava';
import { assemble, type Bytes, get, i32, repeat, set, v128 } from '../../src/ground/base/webassembly.ts';

/** Memories `first` and `second`, and functions of these bodies with two parameters, an integer and a vector. */
const start = (bodies: Readonly<Record<string, Bytes>>) => {
  const kernel = {
    first: new WebAssembly.Memory({ initial: 1 }),
    second: new WebAssembly.Memory({ initial: 1 }),
  };
  const codes = Object.entries(bodies).map(
    ([name, body]) => [name, { parameters: 2, integers: 1, vectors: 1, body }] as const,
  );
  const module = assemble(Object.keys(kernel), Object.fromEntries(codes));
  const functions = new WebAssembly.Instance(module, { kernel }).exports as Record<
    string,
    (a?: number, b?: number) => void
  >;
  return { functions, first: new DataView(kernel.first.buffer), second: new DataView(kernel.second.buffer) };
};

test('constants of every length are encoded: V8 reads the same', (t) => {
  const values = [0, 1, 63, 64, 127, 128, 8_191, 8_192, 2 ** 20, 2 ** 27, 2 ** 31 - 1];
  const all = values.flatMap((value) => [value, -value, -value - 1]);
  const body = all.flatMap((value, i) => [...i32.constant(4 * i), ...i32.constant(value), ...i32.store]);
  const { functions, first } = start({ run: body });
  functions.run!();
  t.deepEqual(
    all.map((_, i) => first.getInt32(4 * i, true)),
    all.map((value) => value | 0),
  );
});

test('a module has as many functions as are given, more than one byte can count', (t) => {
  const names = Array.from({ length: 200 }, (_, i) => `function${i}`);
  const { functions, first } = start(
    Object.fromEntries(names.map((name, i) => [name, [...get(0), ...i32.constant(i), ...i32.store]])),
  );
  for (const [i, name] of names.entries()) functions[name]!(4 * i);
  t.deepEqual(
    names.map((_, i) => first.getInt32(4 * i, true)),
    names.map((_, i) => i),
  );
});

test('a loop repeats while its last value is not zero, and vectors come from either memory', (t) => {
  const body = repeat([
    ...[
      ...get(0),
      ...get(0),
      ...v128.load(128, 1),
      ...get(0),
      ...v128.load(0),
      ...v128.add,
      ...v128.store(0),
    ],
    ...[...get(0), ...i32.constant(16), ...i32.add, ...set(0)],
    ...[...get(0), ...get(1), ...i32.isBelow],
  ]);
  const { functions, first, second } = start({ run: body });
  for (let i = 0; i < 12; i++) {
    first.setInt32(4 * i, i, true);
    second.setInt32(128 + 4 * i, 100 * i, true);
  }
  functions.run!(0, 32);
  t.deepEqual(
    Array.from({ length: 12 }, (_, i) => first.getInt32(4 * i, true)),
    Array.from({ length: 12 }, (_, i) => (i < 8 ? 101 * i : i)),
  );
});

test('32-bit levels narrow to bytes and clip, and bytes widen without a sign', (t) => {
  const wide = [...get(0), ...v128.loadBytes(0), ...v128.widenLast];
  const { functions, first } = start({
    narrow: [
      ...[...get(1), ...get(0), ...v128.load(0), ...get(0), ...v128.load(16), ...v128.narrow],
      ...[...get(0), ...v128.load(0), ...get(0), ...v128.load(16), ...v128.narrow],
      ...[...v128.narrowToBytes, ...v128.store(0)],
    ],
    widen: [...get(1), ...wide, ...v128.store(0)],
  });
  for (const [i, level] of [-70_000, -1, 0, 1, 254, 255, 256, 70_000].entries())
    first.setInt32(4 * i, level, true);
  functions.narrow!(0, 64);
  const bytes = [0, 0, 0, 1, 254, 255, 255, 255];
  t.deepEqual([...new Uint8Array(first.buffer, 64, 16)], [...bytes, ...bytes]);
  functions.widen!(64, 80);
  t.deepEqual([...new Int32Array(first.buffer, 80, 4)], bytes.slice(4));
});
