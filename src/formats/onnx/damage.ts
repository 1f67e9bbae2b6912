/** A walk over the top-level fields of an ONNX file, for telling what it is and where it breaks. */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ModelProtoSchema } from './generated/onnx_pb.ts';

export type Fields = {
  /** Numbers of the fields passed, in file order. */
  readonly numbers: readonly number[];
  /** Whether the walk reached the end, every field being one of ModelProto's. */
  readonly complete: boolean;
  /** One sentence on what stopped it. */
  readonly stoppedBy: string | undefined;
};

export const fieldsOf = (bytes: Uint8Array): Fields => {
  const reader = new BinaryReader(bytes);
  const numbers: number[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const step = passField(reader, start);
    if (typeof step === 'string') return { numbers, complete: false, stoppedBy: step };
    numbers.push(step);
  }
  return { numbers, complete: true, stoppedBy: undefined };
};

/** The number of the field passed, or why it cannot be one. */
const passField = (reader: BinaryReader, start: number): number | string => {
  const foreign = `what begins at byte ${start} is no field of an ONNX model`;
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
      : `its field '${field.name}' begins at byte ${start} and is ${length} bytes long, but the last ${missing} of them are missing: the file was cut short`;
  } catch {
    return foreign; // the reader's own words name no place
  }
};
