/** Where a file stops being protobuf: a walk over the top-level fields only, for the message a user reads. */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ModelProtoSchema } from '../generated/onnx_pb.ts';

/** One sentence on the first field that cannot be, or undefined when the fault lies deeper. */
export const whereItBreaks = (bytes: Uint8Array): string | undefined => {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    try {
      const sentence = passField(reader, start);
      if (sentence) return sentence;
    } catch {
      return `what begins at byte ${start} is no field of an ONNX model`; // the reader's own words name no place
    }
  }
  return undefined;
};

const passField = (reader: BinaryReader, start: number): string | undefined => {
  const [number, type] = reader.tag();
  const field = ModelProtoSchema.fields.find((each) => each.number === number);
  if (type !== WireType.LengthDelimited) {
    reader.skip(type, number);
    return undefined;
  }
  const length = reader.uint32();
  const missing = reader.pos + length - reader.len;
  reader.pos += length;
  if (missing <= 0) return undefined;
  return field
    ? `its field '${field.name}' begins at byte ${start} and is ${length} bytes long, but the last ${missing} of them are missing: the file was cut short`
    : `what begins at byte ${start} is no field of an ONNX model`;
};
