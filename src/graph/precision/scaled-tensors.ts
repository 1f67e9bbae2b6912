/** Tensors that need a scale for int8, and the error if one of them was infinite. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf } from '../../formats/onnx/graph.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { type CalibrationGraph, int8Activations } from './calibration-graph.ts';
import { findFloatLayers, layerName } from './float-layers.ts';

/** Tensor → layers that compute from it, by their names for --keep_float. */
export type ScaledTensors = ReadonlyMap<string, readonly string[]>;

/**
 * Lists the tensors that need a scale, except those of layers in `keepFloat`.
 * @throws UserError LayerNotFound
 */
export const listScaledTensors = (model: ModelProto, keepFloat: readonly string[]): ScaledTensors => {
  const kept = findFloatLayers(model, keepFloat).tensors;
  const needed = new Set(int8Activations(model).filter((name) => !kept.has(name)));
  const readers = new Map<string, string[]>();
  for (const node of foldConstants(graphOf(model)).node)
    for (const name of new Set(node.input))
      if (needed.has(name)) readers.set(name, [...(readers.get(name) ?? []), layerName(node)]);
  return readers;
};

/** Replaces derived tensors by the measured ones that hold the same values. */
export const mapToMeasured = (scaled: ScaledTensors, { derived }: CalibrationGraph): ScaledTensors => {
  const isSame = (low: number, high: number) => low === -Infinity && high === Infinity;
  const rootOf = (name: string): string => {
    const from = derived.get(name);
    return from && isSame(from.low, from.high) ? rootOf(from.from) : name;
  };
  return new Map([...scaled].map(([name, readers]) => [rootOf(name), readers]));
};

/** A tensor that was infinite, and where. */
export type InfiniteTensor = {
  readonly tensor: string;
  readonly image: string | undefined;
  readonly readers: readonly string[];
};

/** Creates a UserError CalibrationFailed that names the tensor, the image and the remedy. */
export const infiniteError = ({ tensor, image, readers }: InfiniteTensor): UserError =>
  new UserError(
    'CalibrationFailed',
    `Calibrating: tensor ${tensor} became infinite${image === undefined ? '' : ` on ${image}`}, and it needs a scale, since ${readers.join(', ')} would compute from it in int8. Leave that in float (${field('keepFloat')}: ${readers.join(',')}), or export the model with a large number in place of infinity.`,
  );

/**
 * Checks that no tensor that needs a scale was infinite.
 * @throws UserError CalibrationFailed
 */
export const requireFinite = (
  scaled: ScaledTensors,
  infinite: ReadonlyMap<string, string | undefined>,
): void => {
  for (const [tensor, image] of infinite) {
    const readers = scaled.get(tensor);
    if (readers) throw infiniteError({ tensor, image, readers });
  }
};

const mostNamed = 5;

/** Warnings for tensors that were infinite but need no scale; empty if there are none. */
export const describeInfinite = (infinite: ReadonlyMap<string, string | undefined>): readonly string[] => {
  if (infinite.size === 0) return [];
  const named = [...infinite]
    .slice(0, mostNamed)
    .map(([tensor, image]) => (image === undefined ? tensor : `${tensor} (on ${image})`));
  const more = infinite.size > mostNamed ? ` and ${infinite.size - mostNamed} more` : '';
  return [`Infinite, and so without scales; what reads them stays float: ${named.join(', ')}${more}.`];
};
