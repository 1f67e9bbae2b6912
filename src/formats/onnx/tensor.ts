/**
 * Converts TensorProto to typed arrays and back. Values are in `raw_data` (little-endian, like every supported machine)
 * or in the field of their type; both are read, only `raw_data` is written. https://onnx.ai/onnx/repo-docs/IR.html
 */
import { create } from '@bufbuild/protobuf';
import { UserError } from '../../ground/base/errors.ts';
import { type ElementType, elementType, elementTypeName } from './element-type.ts';
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from './generated/onnx_pb.ts';

/**
 * Number of elements: the product of the dimensions, 1 for a scalar.
 * @throws UserError ModelInvalid for a negative dimension or more than 2^53 elements
 */
export const elementCountOf = (tensor: TensorProto): number => {
  const count = tensor.dims.reduce((product, size) => (size < 0n ? -1n : product * size), 1n);
  if (count < 0n || count > Number.MAX_SAFE_INTEGER)
    throw invalidTensor(tensor, `its dimensions are [${tensor.dims}]`);
  return Number(count);
};

/**
 * Values of a float, integer or bool tensor as float32, row-major.
 * @throws UserError ModelInvalid if dimensions and data disagree, ModelUnsupported for other element types
 */
export const floatsOf = (tensor: TensorProto): Float32Array => {
  const values = valuesOf(tensor);
  if (values instanceof Float32Array) return values;
  return values instanceof BigInt64Array || values instanceof BigUint64Array
    ? Float32Array.from(values, Number)
    : Float32Array.from(values);
};

/**
 * Values of an integer tensor (a shape, axes, pads), row-major.
 * @throws UserError ModelInvalid if dimensions and data disagree or a value exceeds 2^53
 */
export const integersOf = (tensor: TensorProto): number[] => {
  const integers = Array.from<number | bigint, number>(valuesOf(tensor), Number);
  if (!integers.every(Number.isSafeInteger))
    throw invalidTensor(tensor, 'a value is not an integer below 2^53');
  return integers;
};

/** Makes a float32 tensor. */
export const tensorFromFloats = (name: string, dims: readonly number[], values: Float32Array): TensorProto =>
  makeTensor(name, dims, elementType.float32, values);

/** Makes a float16 tensor; values are rounded to nearest even, above 65504 to infinity. */
export const tensorFromFloat16s = (
  name: string,
  dims: readonly number[],
  values: Float32Array,
): TensorProto => makeTensor(name, dims, elementType.float16, Float16Array.from(values));

/** Makes an int8 tensor, such as quantised weights and zero points. */
export const tensorFromInt8s = (name: string, dims: readonly number[], values: Int8Array): TensorProto =>
  makeTensor(name, dims, elementType.int8, values);

/** Makes an int32 tensor, such as quantised biases. */
export const tensorFromInt32s = (name: string, dims: readonly number[], values: Int32Array): TensorProto =>
  makeTensor(name, dims, elementType.int32, values);

/** Makes an int64 tensor, such as shapes, axes and pads. */
export const tensorFromInt64s = (
  name: string,
  dims: readonly number[],
  values: readonly number[],
): TensorProto => makeTensor(name, dims, elementType.int64, BigInt64Array.from(values, BigInt));

/** Element type and little-endian bytes. */
export type RawData = { readonly dataType: number; readonly bytes: Uint8Array };

/**
 * Makes a tensor of any type from its bytes.
 * @throws UserError ModelInvalid if they do not match the dimensions
 */
export const tensorFromBytes = (
  name: string,
  dims: readonly number[],
  { dataType, bytes }: RawData,
): TensorProto => {
  const tensor = create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData: bytes });
  checkTensor(tensor);
  return tensor;
};

/**
 * Makes a numeric tensor of zeros, which `fill` overwrites.
 * @throws UserError ModelUnsupported for other types
 */
export const tensorOfValues = (
  name: string,
  dims: readonly number[],
  dataType: number,
  fill: (values: Values) => void,
): TensorProto => {
  const tensor = create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType });
  const data = new ArrayBuffer(rawSizeOf(tensor) ?? 0);
  const values = layoutOf(tensor).view(data);
  if (values.buffer !== data) throw notNumeric(tensor); // the view of bfloat16 is a copy
  fill(values);
  tensor.rawData = new Uint8Array(data);
  return tensor;
};

/**
 * Checks that the data have exactly the size that the dimensions require; external data are not checked.
 * @throws UserError ModelInvalid
 */
export const checkTensor = (tensor: TensorProto): void => {
  const count = elementCountOf(tensor);
  const type = byNumber.get(tensor.dataType);
  if (type === undefined || tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) return;
  const { found, needed, unit } = measureData(tensor, type, count);
  if (found !== needed)
    throw invalidTensor(tensor, `[${tensor.dims}] ${type.name} needs ${needed} ${unit}, but it has ${found}`);
};

/** Bytes of the data in `raw_data` form; undefined for strings and unknown types. */
export const rawSizeOf = (tensor: TensorProto): number | undefined => {
  const bits = byNumber.get(tensor.dataType)?.bits;
  return bits === undefined ? undefined : Math.ceil((elementCountOf(tensor) * bits) / 8);
};

type Field = 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data' | 'stringData';
/** Values of a tensor as a typed array; bool is 0 and 1. */
export type Values = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array | SmallValues;
type SmallValues = Float16Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Uint32Array;
type Layout = {
  readonly name: ElementType;
  /** Bits per element in `raw_data`; undefined for strings, which have no raw form. */
  readonly bits: number | undefined;
  /** Field of the values if not in `raw_data`, and entries per element. */
  readonly field: Field;
  readonly entries?: number;
  readonly view?: (data: ArrayBuffer) => Values;
};

/** From the comments of TensorProto.DataType. Types without a view are carried along but cannot be computed with. */
const layouts: readonly Layout[] = [
  { name: 'float32', bits: 32, field: 'floatData', view: (data) => new Float32Array(data) },
  { name: 'uint8', bits: 8, field: 'int32Data', view: (data) => new Uint8Array(data) },
  { name: 'int8', bits: 8, field: 'int32Data', view: (data) => new Int8Array(data) },
  { name: 'uint16', bits: 16, field: 'int32Data', view: (data) => new Uint16Array(data) },
  { name: 'int16', bits: 16, field: 'int32Data', view: (data) => new Int16Array(data) },
  { name: 'int32', bits: 32, field: 'int32Data', view: (data) => new Int32Array(data) },
  { name: 'int64', bits: 64, field: 'int64Data', view: (data) => new BigInt64Array(data) },
  { name: 'string', bits: undefined, field: 'stringData' },
  { name: 'bool', bits: 8, field: 'int32Data', view: (data) => new Uint8Array(data) },
  { name: 'float16', bits: 16, field: 'int32Data', view: (data) => new Float16Array(data) },
  { name: 'float64', bits: 64, field: 'doubleData', view: (data) => new Float64Array(data) },
  { name: 'uint32', bits: 32, field: 'uint64Data', view: (data) => new Uint32Array(data) },
  { name: 'uint64', bits: 64, field: 'uint64Data', view: (data) => new BigUint64Array(data) },
  { name: 'complex64', bits: 64, field: 'floatData', entries: 2 },
  { name: 'complex128', bits: 128, field: 'doubleData', entries: 2 },
  { name: 'bfloat16', bits: 16, field: 'int32Data', view: (data) => fromBfloat16(new Uint16Array(data)) },
];
const byNumber = new Map(layouts.map((layout) => [elementType[layout.name] as number, layout]));

const makeTensor = (name: string, dims: readonly number[], dataType: number, values: Values): TensorProto => {
  const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
  return tensorFromBytes(name, dims, { dataType, bytes });
};

/**
 * Values of a numeric tensor in its own element type, row-major.
 * @throws UserError as `floatsOf`
 */
export const valuesOf = (tensor: TensorProto): Values => {
  const layout = layoutOf(tensor);
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL)
    throw invalidTensor(
      tensor,
      'its data are in another file, which was not read. Use the model as a file beside its data',
    );
  checkTensor(tensor);
  // A copy, because the view needs an aligned offset, which a slice of the file lacks.
  return tensor.rawData.length > 0
    ? layout.view(Uint8Array.from(tensor.rawData).buffer)
    : readTypedField(tensor, layout);
};

type NumberLayout = Layout & Required<Pick<Layout, 'view'>>;

const layoutOf = (tensor: TensorProto): NumberLayout => {
  const layout = byNumber.get(tensor.dataType);
  if (layout?.view) return layout as NumberLayout;
  throw notNumeric(tensor);
};

const notNumeric = (tensor: TensorProto): UserError =>
  new UserError(
    'ModelUnsupported',
    `Reading the tensor ${label(tensor)}: values of type ${elementTypeName(tensor.dataType)} are not supported in computations.`,
  );

const readTypedField = (tensor: TensorProto, { name, field }: Layout): Values => {
  if (field === 'floatData') return Float32Array.from(tensor.floatData);
  if (field === 'doubleData') return Float64Array.from(tensor.doubleData);
  if (field === 'int64Data') return BigInt64Array.from(tensor.int64Data);
  if (field === 'uint64Data') return BigUint64Array.from(tensor.uint64Data);
  if (name === 'float16') return new Float16Array(Uint16Array.from(tensor.int32Data).buffer);
  if (name === 'bfloat16') return fromBfloat16(Uint16Array.from(tensor.int32Data));
  return Int32Array.from(tensor.int32Data);
};

/** bfloat16 is the upper 16 bits of a float32. */
const fromBfloat16 = (halves: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);

const measureData = (tensor: TensorProto, { bits, field, entries = 1 }: Layout, count: number) =>
  tensor.rawData.length > 0 && bits !== undefined
    ? { found: tensor.rawData.length, needed: (count * bits) / 8, unit: 'bytes' }
    : { found: tensor[field].length, needed: count * entries, unit: 'values' };

const label = ({ name }: TensorProto): string => (name === '' ? 'without a name' : name);

const invalidTensor = (tensor: TensorProto, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the tensor ${label(tensor)}: ${found}. The model is damaged; export it again.`,
  );
