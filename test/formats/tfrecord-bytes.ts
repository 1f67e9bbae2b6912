/** Builds TFRecord files and Examples as bytes. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { crc32c, maskCrc } from '../../src/ground/base/crc32c.ts';

/** Concatenates the frames of these records. */
export const tfrecordBytes = (records: readonly Uint8Array[]): Buffer =>
  Buffer.concat(records.flatMap((data) => [header(data.length), data, crcOf(data)]));

const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([bytes, crcOf(bytes)]);
};

const crcOf = (bytes: Uint8Array): Buffer => {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(maskCrc(crc32c(bytes)));
  return crc;
};

/** An Example whose features are byte strings (of text) or packed floats. */
export const exampleBytes = (features: Readonly<Record<string, string | readonly number[]>>): Uint8Array => {
  const map = new BinaryWriter();
  for (const [key, value] of Object.entries(features)) {
    const list = new BinaryWriter().tag(1, 2);
    if (typeof value === 'string') list.string(value);
    else {
      list.fork();
      for (const number of value) list.float(number);
      list.join();
    }
    const feature = new BinaryWriter().tag(typeof value === 'string' ? 1 : 2, 2).bytes(list.finish());
    map.tag(1, 2).fork().tag(1, 2).string(key).tag(2, 2).bytes(feature.finish()).join();
  }
  return new BinaryWriter().tag(1, 2).bytes(map.finish()).finish();
};
