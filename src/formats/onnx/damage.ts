/** Walks the top-level fields of an ONNX file, to recognise the format and to find where a damaged file breaks. */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ModelProtoSchema } from './generated/onnx_pb.ts';

/** Result of walking the top-level fields. */
export type FieldScan = {
  /** Numbers of the fields read, in file order. */
  readonly numbers: readonly number[];
  /** Whether the walk reached the end and every field belongs to ModelProto. */
  readonly complete: boolean;
  /** Why the walk stopped early, as a clause. */
  readonly stoppedBy: string | undefined;
};

/** Walks the top-level fields until one is damaged or unknown. */
export const scanFields = (bytes: Uint8Array): FieldScan => {
  const reader = new BinaryReader(bytes);
  const numbers: number[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const step = skipField(reader, start);
    if (typeof step === 'string') return { numbers, complete: false, stoppedBy: step };
    numbers.push(step);
  }
  return { numbers, complete: true, stoppedBy: undefined };
};

/** Skips one field and returns its number, or the reason why the bytes are not a field. */
const skipField = (reader: BinaryReader, start: number): number | string => {
  const foreign = `the bytes at ${start} are not a field of an ONNX model`;
  try {
    const [number, type] = reader.tag();
    const field = ModelProtoSchema.fields.find((each) => each.number === number);
    if (!field) return foreign;
    if (type !== WireType.LengthDelimited) {
      reader.skip(type, number);
      return number;
    }
    const length = reader.uint32();
    const missing = reader.pos + length - reader.len;
    reader.pos += length;
    return missing <= 0
      ? number
      : `its field '${field.name}' begins at byte ${start} and is ${length} bytes long, but the last ${missing} bytes are missing: the file is truncated`;
  } catch {
    return foreign; // the reader's own message has no position
  }
};
