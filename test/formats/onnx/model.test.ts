import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { graphOf } from '../../../src/formats/onnx/graph.ts';
import {
  hasExternalData,
  parseModel,
  readModelFile,
  serializeModel,
  writeModelFile,
} from '../../../src/formats/onnx/model.ts';
import { InferenceSession, Tensor } from '../../../src/graph/inference/onnxruntime.ts';
import { UserError } from '../../../src/ground/base/errors.ts';
import type { FailureReason } from '../../../src/ground/base/failures.ts';
import { sameBytes } from '../../builders/same-bytes.ts';
import { realModel, realModels, smallModel } from './models.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'onnx-'));
const small = serializeModel(smallModel());

for (const name of realModels)
  test(`${name} is parsed and serialized to the same bytes`, (t) => {
    const bytes = realModel(name);
    t.true(sameBytes(serializeModel(parseModel(bytes)), bytes));
  });

test('equal models give equal bytes', (t) => {
  t.true(sameBytes(serializeModel(smallModel()), serializeModel(smallModel())));
});

const runs = async (model: Uint8Array | string): Promise<number[]> => {
  const session = await InferenceSession.create(model as string);
  const pixels = Float32Array.from({ length: 192 }, (_, index) => Math.cos(index));
  const { flat } = await session.run({ input_1: new Tensor('float32', pixels, [1, 3, 8, 8]) });
  await session.release();
  return [...(flat!.data as Float32Array)];
};

test('onnxruntime runs a written model, with external data, too', async (t) => {
  const path = join(folder(), 'model.onnx');
  await writeModelFile(path, smallModel(), { externalDataThreshold: 100 });
  const inOne = await runs(small);
  t.deepEqual(await runs(path), inOne);
  t.true(inOne.some((value) => value > 0));
});

test('large tensors are written to a data file and read again', async (t) => {
  const path = join(folder(), 'model.onnx');
  const model = smallModel();
  await writeModelFile(path, model, { externalDataThreshold: 100 });
  t.is(readFileSync(`${path}.data`).length, 54 * 4);
  t.true(hasExternalData(parseModel(readFileSync(path))));
  const back = await readModelFile(path);
  t.false(hasExternalData(back));
  t.true(sameBytes(serializeModel(back), small));
  t.true(sameBytes(serializeModel(model), small), 'the model in memory must not change');
});
test('tensors in a data file are aligned to pages', async (t) => {
  const path = join(folder(), 'model.onnx');
  await writeModelFile(path, smallModel(), { externalDataThreshold: 1 });
  t.is(readFileSync(`${path}.data`).length, 4096 + 8, 'weight, then bias; the shape stays in the model');
  t.true(sameBytes(serializeModel(await readModelFile(path)), small));
});
test('without a threshold one file is written, and an existing file is not replaced', async (t) => {
  const place = folder();
  await writeModelFile(join(place, 'model.onnx'), smallModel());
  t.deepEqual(readdirSync(place), ['model.onnx']);
  await fails(t, writeModelFile(join(place, 'model.onnx'), smallModel()), 'OutputExists');
});

const fails = async (
  t: ExecutionContext,
  result: Promise<unknown>,
  reason: FailureReason,
  says = '',
): Promise<void> => {
  const error = await t.throwsAsync(result, { instanceOf: UserError });
  t.is(error?.reason, reason, error?.message);
  t.true(error?.message.includes(says), error?.message);
};

/** A model with an external weight; `spoil` changes its folder or its entries. */
const external = test.macro(
  async (
    t,
    spoil: (place: string) => void,
    entries: Record<string, string>,
    reason: FailureReason,
    says: string,
  ) => {
    const place = folder();
    mkdirSync(join(place, 'models'));
    const path = join(place, 'models', 'model.onnx');
    await writeModelFile(path, smallModel(), { externalDataThreshold: 100 });
    const model = parseModel(readFileSync(path));
    for (const entry of graphOf(model).initializer[0]!.externalData)
      entry.value = entries[entry.key] ?? entry.value;
    writeFileSync(path, serializeModel(model));
    spoil(place);
    await fails(t, readModelFile(path), reason, says);
  },
);
const dataFile = (place: string) => join(place, 'models', 'model.onnx.data');
const nothing = () => {};
const moveOut = (place: string) => renameSync(dataFile(place), join(place, 'secret'));
test(
  'a data file above the folder is refused',
  external,
  moveOut,
  { location: '../secret' },
  'ModelInvalid',
  'not inside',
);
test(
  'an absolute location is refused',
  external,
  nothing,
  { location: '/etc/passwd' },
  'ModelInvalid',
  'not inside',
);
test(
  'a location that is the folder itself is refused',
  external,
  nothing,
  { location: '.' },
  'ModelInvalid',
  'not inside',
);
test('an empty location is refused', external, nothing, { location: '' }, 'ModelInvalid', 'not inside');
const linkOut = (place: string) => {
  moveOut(place);
  symlinkSync(join(place, 'secret'), dataFile(place));
};
test('a link out of the folder is refused', external, linkOut, {}, 'ModelInvalid', 'not inside');
test('a missing data file is named', external, moveOut, {}, 'InputNotFound', 'model.onnx.data');
const cut = (place: string) => truncateSync(dataFile(place), 215);
test('a truncated data file is refused', external, cut, {}, 'ModelInvalid', 'weight');
test('an offset past the end is refused', external, nothing, { offset: '1' }, 'ModelInvalid', 'weight');
test(
  'a length that does not match the shape is refused',
  external,
  nothing,
  { length: '212' },
  'ModelInvalid',
  '216',
);
test('a negative offset is refused', external, nothing, { offset: '-1' }, 'ModelInvalid', 'offset');
test(
  'an offset that is not a number is refused',
  external,
  nothing,
  { offset: '1e999' },
  'ModelInvalid',
  'offset',
);

test('a missing model is InputNotFound', (t) =>
  fails(t, readModelFile(join(folder(), 'no.onnx')), 'InputNotFound'));
test("a damaged file's name is in the message", async (t) => {
  const path = join(folder(), 'cut.onnx');
  writeFileSync(path, small.subarray(0, 300));
  await fails(t, readModelFile(path), 'ModelInvalid', path);
});

const refuses = test.macro((t, bytes: Uint8Array, says: RegExp) => {
  const error = t.throws(() => parseModel(bytes), { instanceOf: UserError });
  t.is(error?.reason, 'ModelInvalid');
  t.regex(error?.message ?? '', says);
});
test(
  'says which field is cut and how much is missing',
  refuses,
  small.subarray(0, 400),
  /field 'graph' begins at byte \d+ and is \d+ bytes long, but the last \d+ /,
);
test(
  'a file of another format is refused with the position',
  refuses,
  Buffer.from('hello, world'),
  /bytes at 0 are not a field/,
);
test('an empty file is refused', refuses, new Uint8Array(), /no graph/);
test('graphs nested 10,000 deep are refused', refuses, nested(10_000), /./);

/** If branches nested `depth` times; parsing must not overflow the stack. */
function nested(depth: number): Uint8Array {
  const heads: Buffer[] = [];
  let size = 0;
  const wrap = (tag: number): void => {
    const length: number[] = [];
    for (let rest = size; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    heads.push(Buffer.of(tag, ...length));
    size += 1 + length.length;
  };
  for (let level = 0; level < depth; level += 1) for (const tag of [0x32, 0x2a, 0x0a]) wrap(tag);
  wrap(0x3a);
  return Buffer.concat(heads.reverse());
}

/** A model that parses can be serialized and queried; otherwise a UserError is thrown. */
const survives = (bytes: Uint8Array): void => {
  try {
    serializeModel(parseModel(bytes));
  } catch (error) {
    if (!(error instanceof UserError) || error.reason !== 'ModelInvalid') throw error;
  }
};
test('a model truncated at any byte is refused, unless it lost nothing that it needs', (t) => {
  for (let length = 0; length < small.length; length += 1) survives(small.subarray(0, length));
  t.throws(() => parseModel(small.subarray(0, small.length - 10)), { instanceOf: UserError });
});
test('flipped bits give a model or a UserError', (t) => {
  const flips = fc.array(fc.record({ at: fc.nat(small.length - 1), bit: fc.nat(7) }), {
    minLength: 1,
    maxLength: 4,
  });
  const check = fc.property(flips, (changes) => {
    const bytes = Uint8Array.from(small);
    for (const { at, bit } of changes) bytes[at]! ^= 1 << bit;
    survives(bytes);
  });
  fc.assert(check, { numRuns: 5000 });
  t.pass();
});
test('random bytes give a UserError', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      t.throws(() => parseModel(bytes), { instanceOf: UserError });
    }),
  );
});
