/**
 * What an HDF5 file holds, told from its structure without reading values: a TLT tensorfile (attribute `count`, groups
 * `_tensorfile_array_key__<n>`), a Keras model, or something else.
 */
import type { Dtype, File, Group } from 'h5wasm/node';
import { UserError } from '../../ground/base/errors.ts';
import { isDataset, isGroup, loadHdf5 } from './hdf5.ts';
import { batchGroup, soleArray } from './tensorfile-layout.ts';

export type Hdf5Contents =
  | {
      readonly kind: 'Tensorfile';
      /** Number of batches. */
      readonly count: number;
      /** The arrays of the first batch; one without a name is the usual case. Undefined when there are no batches. */
      readonly firstBatch: readonly ArrayDescription[];
    }
  | { readonly kind: 'Keras'; readonly kerasVersion: string | undefined }
  | { readonly kind: 'Other'; readonly members: readonly string[] };

export type ArrayDescription = {
  /** Empty for a batch that is one array. */
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
};

/**
 * @throws UserError TensorfileInvalid for a file that HDF5 cannot open, or a tensorfile whose batches are not all there
 */
export const readHdf5Contents = async (path: string): Promise<Hdf5Contents> => {
  const hdf5 = await loadHdf5();
  try {
    const file = new hdf5.File(path, 'r');
    try {
      return contentsOf(file, path);
    } finally {
      file.close();
    }
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalid(path, 'HDF5 cannot read it: it is cut short or damaged', thrown);
  }
};

const contentsOf = (file: File, path: string): Hdf5Contents => {
  const attributes = file.attrs;
  const members = file.keys();
  if ('model_config' in attributes || members.includes('model_weights')) {
    const version = (attributes.keras_version ?? attributesOf(file, 'model_weights').keras_version)?.value;
    return { kind: 'Keras', kerasVersion: typeof version === 'string' ? version : undefined };
  }
  if (!('count' in attributes)) return { kind: 'Other', members };
  const count = Number(attributes.count?.value);
  if (!Number.isSafeInteger(count) || count < 0) throw invalid(path, `its attribute 'count' is ${count}`);
  const names = new Set(members);
  for (let number = 0; number < count; number += 1)
    if (!names.has(batchGroup(number)))
      throw invalid(path, `it says ${count} batches, and batch ${number} is missing`);
  return { kind: 'Tensorfile', count, firstBatch: count === 0 ? [] : arraysOf(file.get(batchGroup(0)), '') };
};

const attributesOf = (file: File, member: string) => {
  const entity = file.get(member);
  return isGroup(entity) ? entity.attrs : {};
};

const arraysOf = (entity: ReturnType<Group['get']>, name: string): ArrayDescription[] => {
  if (isDataset(entity)) return [{ name, type: typeName(entity.dtype), shape: entity.shape ?? [] }];
  if (!isGroup(entity)) return [];
  return entity
    .keys()
    .flatMap((key) =>
      arraysOf(entity.get(key), key === soleArray ? name : [name, key].filter(Boolean).join('/')),
    );
};

const numberTypes: Readonly<Record<string, string>> = {
  f: 'float32',
  d: 'float64',
  e: 'float16',
  B: 'uint8',
  b: 'int8',
};

const typeName = (dtype: Dtype): string =>
  typeof dtype === 'string' ? (numberTypes[dtype.replace(/^[<>|=]/, '')] ?? dtype) : 'compound';

const invalid = (path: string, found: string, cause?: unknown): UserError =>
  new UserError('TensorfileInvalid', `Reading ${path}: ${found}. Copy or generate the file again.`, {
    cause,
  });
