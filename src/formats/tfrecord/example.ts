/**
 * `tf.train.Example`: Features(1) → map feature(1) → key(1), value(2) → one list of bytes(1), floats(2) or integers(3),
 * each list's values in field 1, packed or not. TensorFlow, core/example/feature.proto.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { messageOf, UserError } from '../../ground/base/errors.ts';

/** One feature: a list of values of one type. */
export type Feature =
  | { readonly kind: 'bytes'; readonly values: readonly Uint8Array[] }
  | { readonly kind: 'floats'; readonly values: readonly number[] }
  | { readonly kind: 'integers'; readonly values: readonly bigint[] };

/** Features by name. */
export type Example = ReadonlyMap<string, Feature>;

/**
 * Parses a `tf.train.Example`; `where` names file and record in the message.
 * @throws UserError DatasetInvalid
 */
export const parseExample = (bytes: Uint8Array, where: string): Example => {
  const features = new Map<string, Feature>();
  try {
    eachField(bytes, 1, (message) =>
      eachField(message, 1, (entry) => {
        const [key, feature] = parseEntry(entry);
        features.set(key, feature);
      }),
    );
  } catch (thrown) {
    throw new UserError(
      'DatasetInvalid',
      `Reading ${where}: it is not a tf.train.Example (${messageOf(thrown)}). Convert the dataset again.`,
      { cause: thrown },
    );
  }
  return features;
};

const parseEntry = (entry: Uint8Array): [key: string, feature: Feature] => {
  let key = '';
  let feature: Feature = { kind: 'bytes', values: [] };
  eachField(entry, 1, (text) => {
    key = utf8.decode(text);
  });
  eachField(entry, 2, (message) => {
    feature = parseFeature(message);
  });
  return [key, feature];
};

/** If a oneof occurs twice the last one wins, as in protobuf. */
const parseFeature = (message: Uint8Array): Feature => {
  let feature: Feature = { kind: 'bytes', values: [] };
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field < 1 || field > 3 || wire !== WireType.LengthDelimited) reader.skip(wire, field);
    else feature = parseList(field, reader.bytes());
  }
  return feature;
};

const parseList = (kind: number, list: Uint8Array): Feature => {
  if (kind === 2)
    return { kind: 'floats', values: numbers(list, WireType.Bit32, (reader) => reader.float()) };
  if (kind === 3)
    return { kind: 'integers', values: numbers(list, WireType.Varint, (reader) => BigInt(reader.int64())) };
  const values: Uint8Array[] = [];
  eachField(list, 1, (value) => values.push(value));
  return { kind: 'bytes', values };
};

/** Reads field 1, packed or unpacked. */
const numbers = <T>(list: Uint8Array, wire: WireType, read: (reader: BinaryReader) => T): T[] => {
  const values: T[] = [];
  const reader = new BinaryReader(list);
  while (reader.pos < reader.len) {
    const [field, found] = reader.tag();
    if (field === 1 && found === wire) values.push(read(reader));
    else if (field === 1 && found === WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) values.push(read(packed));
    } else reader.skip(found, field);
  }
  return values;
};

/** Calls `found` for each length-delimited value of one field and skips all other fields. */
const eachField = (message: Uint8Array, wanted: number, found: (value: Uint8Array) => void): void => {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === wanted && wire === WireType.LengthDelimited) found(reader.bytes());
    else reader.skip(wire, field);
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true });
