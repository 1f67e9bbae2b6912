/** Tensors that int8 cannot do without a scale for, and the error where one of them was infinite and has none. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf } from '../../formats/onnx/graph.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { type CalibrationGraph, computedFrom } from './calibration-graph.ts';
import { floatLayers, layerName } from './float-layers.ts';

/** Tensor → the layers that compute from it, by the names that --keep_float takes. */
export type ScaledTensors = ReadonlyMap<string, readonly string[]>;

/** Without what `keepFloat` leaves in float. @throws UserError LayerNotFound */
export const scaledTensors = (model: ModelProto, keepFloat: readonly string[]): ScaledTensors => {
  const kept = floatLayers(model, keepFloat).tensors;
  const needed = new Set(computedFrom(model).filter((name) => !kept.has(name)));
  const readers = new Map<string, string[]>();
  for (const node of foldConstants(graphOf(model)).node)
    for (const name of new Set(node.input))
      if (needed.has(name)) readers.set(name, [...(readers.get(name) ?? []), layerName(node)]);
  return readers;
};

/** The same by the tensors that are measured: what re-arranges a tensor holds the same values. */
export const measuredFor = (scaled: ScaledTensors, { derived }: CalibrationGraph): ScaledTensors => {
  const isSame = (low: number, high: number) => low === -Infinity && high === Infinity;
  const rootOf = (name: string): string => {
    const from = derived.get(name);
    return from && isSame(from.low, from.high) ? rootOf(from.from) : name;
  };
  return new Map([...scaled].map(([name, readers]) => [rootOf(name), readers]));
};

export type Infinite = {
  readonly tensor: string;
  readonly image: string | undefined;
  readonly readers: readonly string[];
};

export const infiniteError = ({ tensor, image, readers }: Infinite): UserError =>
  new UserError(
    'CalibrationFailed',
    `Calibrating: tensor ${tensor} became infinite${image === undefined ? '' : ` on ${image}`}, and it needs a scale, since ${readers.join(', ')} would compute from it in int8. Leave that in float (${field('keepFloat')}: ${readers.join(',')}), or export the model with a large number in place of infinity.`,
  );

/** @throws UserError CalibrationFailed for a tensor that needs a scale and held an infinity */
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

/** Warnings about tensors that held an infinity and need no scale; empty if there is none. */
export const infiniteNotes = (infinite: ReadonlyMap<string, string | undefined>): readonly string[] => {
  if (infinite.size === 0) return [];
  const named = [...infinite]
    .slice(0, mostNamed)
    .map(([tensor, image]) => (image === undefined ? tensor : `${tensor} (on ${image})`));
  const more = infinite.size > mostNamed ? ` and ${infinite.size - mostNamed} more` : '';
  return [`Infinite, and so without scales; what reads them stays float: ${named.join(', ')}${more}.`];
};
