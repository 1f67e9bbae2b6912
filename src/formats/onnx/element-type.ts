/** ONNX element types by NumPy's names. Source: TensorProto.DataType in onnx.proto. */
export const elementType = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
} as const;

/** Name of an element type, such as `float32`. */
export type ElementType = keyof typeof elementType;

const names = new Map<number, ElementType>(
  Object.entries(elementType).map(([name, number]) => [number, name as ElementType]),
);

/** Returns the name of an element type; `type 23` for a number without a name here. */
export const elementTypeName = (number: number): string => names.get(number) ?? `type ${number}`;
