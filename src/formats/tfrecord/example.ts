/** `tf.train.Example`, the messages of TensorFlow's TFRecords: example.proto has them. */
import { fromBinary } from '@bufbuild/protobuf';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { ExampleSchema, type Feature as FeatureMessage } from './generated/example_pb.ts';

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
  const features = decode(bytes, where);
  return new Map(Object.entries(features).map(([name, { kind }]) => [name, featureOf(kind)]));
};

const decode = (bytes: Uint8Array, where: string): Readonly<Record<string, FeatureMessage>> => {
  try {
    return fromBinary(ExampleSchema, bytes).features?.feature ?? {};
  } catch (thrown) {
    throw new UserError(
      'DatasetInvalid',
      `Reading ${where}: it is not a tf.train.Example (${messageOf(thrown)}). Convert the dataset again.`,
      { cause: thrown },
    );
  }
};

/** A feature of no kind is an empty list. */
const featureOf = (kind: FeatureMessage['kind']): Feature => {
  switch (kind.case) {
    case 'floatList':
      return { kind: 'floats', values: kind.value.value };
    case 'int64List':
      return { kind: 'integers', values: kind.value.value };
    default:
      return { kind: 'bytes', values: kind.value?.value ?? [] };
  }
};
