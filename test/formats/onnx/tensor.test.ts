import { create } from '@bufbuild/protobuf';
import test from 'ava';
import fc from 'fast-check';
import { elementType } from '../../../src/formats/onnx/element-type.ts';
import { TensorProtoSchema } from '../../../src/formats/onnx/generated/onnx_pb.ts';
import {
  checkTensor,
  elementCountOf,
  floatsOf,
  integersOf,
  tensorFromFloat16s,
  tensorFromFloats,
  tensorFromInt8s,
  tensorFromInt64s,
} from '../../../src/formats/onnx/tensor.ts';
import { parseTensor, serializeTensor } from '../../../src/formats/onnx/tensor-file.ts';
import { UserError } from '../../../src/ground/base/errors.ts';

type Parts = Omit<Parameters<typeof create<typeof TensorProtoSchema>>[1] & object, '$typeName'>;
const tensor = (dims: number[], parts: Parts) =>
  create(TensorProtoSchema, { name: 'x', dims: dims.map(BigInt), ...parts });
const raw = (values: ArrayBufferView): Uint8Array => new Uint8Array(values.buffer as ArrayBuffer);

const holds = test.macro((t, dataType: number, parts: Parts, expected: number[]) => {
  t.deepEqual([...floatsOf(tensor([expected.length], { dataType, ...parts }))], expected);
});
test('raw float32', holds, elementType.float32, { rawData: raw(Float32Array.of(1.5, -2)) }, [1.5, -2]);
test('float_data', holds, elementType.float32, { floatData: [1.5, -2] }, [1.5, -2]);
test('raw float64', holds, elementType.float64, { rawData: raw(Float64Array.of(1.5, -2)) }, [1.5, -2]);
test('double_data', holds, elementType.float64, { doubleData: [1.5, -2] }, [1.5, -2]);
test('raw float16', holds, elementType.float16, { rawData: raw(Uint16Array.of(0x3e00, 0xc000)) }, [1.5, -2]);
test('float16 as bits in int32_data', holds, elementType.float16, { int32Data: [0x3e00, 0xc000] }, [1.5, -2]);
test(
  'raw bfloat16',
  holds,
  elementType.bfloat16,
  { rawData: raw(Uint16Array.of(0x3fc0, 0xc000)) },
  [1.5, -2],
);
test(
  'bfloat16 as bits in int32_data',
  holds,
  elementType.bfloat16,
  { int32Data: [0x3fc0, 0xc000] },
  [1.5, -2],
);
test('raw int8', holds, elementType.int8, { rawData: raw(Int8Array.of(-128, 127)) }, [-128, 127]);
test('int8 in int32_data', holds, elementType.int8, { int32Data: [-128, 127] }, [-128, 127]);
test('raw uint8', holds, elementType.uint8, { rawData: Uint8Array.of(0, 255) }, [0, 255]);
test('raw int64', holds, elementType.int64, { rawData: raw(BigInt64Array.of(-1n, 5n)) }, [-1, 5]);
test('int64_data', holds, elementType.int64, { int64Data: [-1n, 5n] }, [-1, 5]);
test('uint64_data for uint32', holds, elementType.uint32, { uint64Data: [4_000_000_000n] }, [4_000_000_000]);

test('data at an odd offset in the file are read', (t) => {
  const file = new Uint8Array(9);
  file.set(raw(Float32Array.of(1.5, -2)), 1);
  t.deepEqual([...floatsOf(tensor([2], { dataType: 1, rawData: file.subarray(1) }))], [1.5, -2]);
});
test('a created tensor is read back', (t) => {
  t.deepEqual([...floatsOf(tensorFromFloats('x', [1, 2], Float32Array.of(1, 2)))], [1, 2]);
  t.deepEqual(
    [...floatsOf(tensorFromFloat16s('x', [3], Float32Array.of(1.5, 1e-9, 1e6)))],
    [1.5, 0, Infinity],
  );
  t.deepEqual([...floatsOf(tensorFromInt8s('x', [1], Int8Array.of(-3)))], [-3]);
  t.deepEqual(integersOf(tensorFromInt64s('x', [2], [-1, 2 ** 40])), [-1, 2 ** 40]);
});
test('only the viewed part of a larger array is written', (t) => {
  const part = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  t.deepEqual([...floatsOf(tensorFromFloats('x', [2], part))], [1, 2]);
});
test('a scalar has one element, an empty tensor none', (t) => {
  t.is(elementCountOf(tensor([], {})), 1);
  t.is(elementCountOf(tensor([3, 0], {})), 0);
  t.deepEqual([...floatsOf(tensor([3, 0], { dataType: 1 }))], []);
});

const damaged = test.macro((t, dims: number[], parts: Parts) => {
  const error = t.throws(() => checkTensor(tensor(dims, parts)), { instanceOf: UserError });
  t.is(error?.reason, 'ModelInvalid');
  t.true(error?.message.includes('x'));
});
test('too few bytes', damaged, [2], { dataType: 1, rawData: new Uint8Array(7) });
test('too many bytes', damaged, [2], { dataType: 1, rawData: new Uint8Array(9) });
test('too few values', damaged, [2], { dataType: 7, int64Data: [1n] });
test('a negative dimension', damaged, [-1], { dataType: 1 });
test('two negative dimensions', damaged, [-1, -2], { dataType: 1, rawData: new Uint8Array(8) });
test('dimensions beyond any memory', damaged, [2 ** 40, 2 ** 40], {
  dataType: 1,
  rawData: new Uint8Array(8),
});

test('integers above 2^53 are refused as shapes', (t) => {
  const error = t.throws(() => integersOf(tensor([1], { dataType: 7, int64Data: [2n ** 60n] })), {
    instanceOf: UserError,
  });
  t.is(error?.reason, 'ModelInvalid');
});
test('string tensors have no numeric values', (t) => {
  const error = t.throws(() => floatsOf(tensor([1], { dataType: 8, stringData: [new Uint8Array()] })), {
    instanceOf: UserError,
  });
  t.is(error?.reason, 'ModelUnsupported');
});

test('a tensor file that is truncated or has flipped bits is read or refused', (t) => {
  const whole = serializeTensor(
    tensorFromFloats(
      'x',
      [2, 3, 4],
      Float32Array.from({ length: 24 }, (_, i) => i),
    ),
  );
  const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(7)), { maxLength: 8 });
  const isSound = fc.property(flips, fc.nat(whole.length), (changes, length) => {
    const bytes = Uint8Array.from(whole);
    for (const [at, bit] of changes) bytes[at]! ^= 1 << bit;
    try {
      parseTensor(bytes.subarray(0, length));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      return thrown.reason === 'ModelInvalid' || thrown.reason === 'ModelUnsupported';
    }
  });
  fc.assert(isSound, { numRuns: 1000 });
  t.pass();
});
