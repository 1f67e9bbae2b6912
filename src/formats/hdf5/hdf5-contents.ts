/**
 * Describes the content of an HDF5 file from its structure, without reading values: a TLT tensorfile (attribute
 * `count`, groups `_tensorfile_array_key__<n>`), a Keras model, or another file.
 */
import { UserError } from '../../ground/base/errors.ts';
import { openReadable } from '../../ground/base/readable.ts';
import { describeFault, type Hdf5Array, type Hdf5Group, openHdf5 } from './hdf5.ts';
import { batchGroup, soleArray } from './tensorfile-layout.ts';

/** Content of an HDF5 file by kind. */
export type Hdf5Contents =
  | {
      readonly kind: 'Tensorfile';
      /** Number of batches. */
      readonly count: number;
      /** Arrays of the first batch, usually one without a name. Empty if there are no batches. */
      readonly firstBatch: readonly ArrayDescription[];
    }
  | { readonly kind: 'Keras'; readonly kerasVersion: string | undefined }
  | { readonly kind: 'Other'; readonly members: readonly string[] };

/** Name, element type and shape of an array. */
export type ArrayDescription = {
  /** Path below the batch's group; empty if the batch is a single array. */
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
};

/**
 * Reads what the file contains.
 * @throws UserError TensorfileInvalid if HDF5 cannot open the file, or a tensorfile lacks a batch
 */
export const readHdf5Contents = async (path: string): Promise<Hdf5Contents> => {
  try {
    using content = openReadable(path);
    return describeContents(await openHdf5(content), path);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalid(path, describeFault(thrown), thrown);
  }
};

const describeContents = (root: Hdf5Group, path: string): Hdf5Contents => {
  const attributes = root.attributes();
  const members = root.keys();
  if (attributes.includes('model_config') || members.includes('model_weights')) {
    const version = root.attribute('keras_version') ?? weightsVersion(root);
    return { kind: 'Keras', kerasVersion: typeof version === 'string' ? version : undefined };
  }
  if (!attributes.includes('count')) return { kind: 'Other', members };
  const count = Number(root.attribute('count'));
  if (!Number.isSafeInteger(count) || count < 0) throw invalid(path, `its attribute 'count' is ${count}`);
  const names = new Set(members);
  for (let number = 0; number < count; number += 1)
    if (!names.has(batchGroup(number)))
      throw invalid(path, `its attribute 'count' is ${count}, but batch ${number} is missing`);
  return {
    kind: 'Tensorfile',
    count,
    firstBatch: count === 0 ? [] : describeArrays(root.get(batchGroup(0)), '', 0),
  };
};

const weightsVersion = (root: Hdf5Group) => {
  const weights = root.get('model_weights');
  return weights?.kind === 'Group' ? weights.attribute('keras_version') : undefined;
};

/**
 * A batch is an array or a group of arrays. Deeper levels are not part of the format, and links can make them endless.
 */
const mostDepth = 2;

const describeArrays = (
  member: Hdf5Group | Hdf5Array | undefined,
  name: string,
  depth: number,
): ArrayDescription[] => {
  if (member === undefined || depth > mostDepth) return [];
  if (member.kind === 'Array') return [{ name, type: typeName(member.type), shape: member.shape }];
  return member
    .keys()
    .flatMap((key) =>
      describeArrays(
        member.get(key),
        key === soleArray ? name : [name, key].filter(Boolean).join('/'),
        depth + 1,
      ),
    );
};

const numberTypes: Readonly<Record<string, string>> = {
  f: 'float32',
  d: 'float64',
  e: 'float16',
  B: 'uint8',
  b: 'int8',
};

const typeName = (type: string): string => numberTypes[type.replace(/^[<>]/, '')] ?? type;

const invalid = (path: string, found: string, cause?: unknown): UserError =>
  new UserError('TensorfileInvalid', `Reading ${path}: ${found}. Copy or generate the file again.`, {
    cause,
  });
