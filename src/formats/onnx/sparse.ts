/** Converts sparse tensors to dense ones. Layout of values and indices: SparseTensorProto in onnx.proto. */
import { UserError } from '../../ground/base/errors.ts';
import { oneFileBytes } from './external-data.ts';
import type { SparseTensorProto, TensorProto } from './generated/onnx_pb.ts';
import { integersOf, rawSizeOf, tensorOfValues, type Values, valuesOf } from './tensor.ts';

/**
 * Makes the dense tensor [dims] with the name of the sparse tensor's values.
 * @throws UserError ModelInvalid for indices outside the dimensions, ModelUnsupported for a tensor above 2 GiB or of a
 * non-numeric type
 */
export const toDense = ({ values, indices, dims }: SparseTensorProto): TensorProto => {
  if (!values || !indices) throw invalidSparse('', 'its values or its indices are missing');
  const { name, dataType } = values;
  const bytes = rawSizeOf({ ...values, dims });
  if (bytes === undefined || bytes > oneFileBytes)
    throw new UserError(
      'ModelUnsupported',
      `Reading the sparse tensor ${name}: as a dense tensor [${dims}] it takes ${bytes ?? 'an unknown number of'} bytes; one ONNX file must be smaller than 2 GiB. Export the model without sparse tensors.`,
    );
  const sizes = dims.map(Number);
  const found = valuesOf(values);
  const places = findPlaces(integersOf(indices), { name, sizes, rank: indices.dims.length });
  if (places.length !== found.length)
    throw invalidSparse(name, `it has ${found.length} values and ${places.length} indices`);
  return tensorOfValues(name, sizes, dataType, (dense) => scatter(dense, places, found));
};

const scatter = (dense: Values, places: readonly number[], found: Values): void => {
  for (const [i, place] of places.entries()) dense[place] = found[i]!;
};

type Layout = { readonly name: string; readonly sizes: readonly number[]; readonly rank: number };

/** Row-major positions of the values. Indices are positions (rank 1) or coordinates (rank 2). */
const findPlaces = (indices: readonly number[], { name, sizes, rank }: Layout): readonly number[] => {
  const total = sizes.reduce((product, size) => product * size, 1);
  if (rank === 1) {
    if (indices.some((place) => place < 0 || place >= total))
      throw invalidSparse(name, 'an index is outside it');
    return indices;
  }
  const count = sizes.length === 0 ? 0 : indices.length / sizes.length;
  return Array.from({ length: count }, (_, i) =>
    sizes.reduce((place, size, axis) => {
      const at = indices[i * sizes.length + axis]!;
      if (!(at >= 0 && at < size)) throw invalidSparse(name, 'an index is outside it');
      return place * size + at;
    }, 0),
  );
};

const invalidSparse = (name: string, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the sparse tensor ${name}: ${found}. The model is damaged; export it again.`,
  );
