/** Names of ONNX element types, as NumPy writes them. Numbers: TensorProto.DataType in onnx.proto. */
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

export type ElementType = keyof typeof elementType;

const names = new Map<number, ElementType>(
  Object.entries(elementType).map(([name, number]) => [number, name as ElementType]),
);

/** `float32`; `type 23` for one that has no name here. */
export const elementTypeName = (number: number): string => names.get(number) ?? `type ${number}`;
