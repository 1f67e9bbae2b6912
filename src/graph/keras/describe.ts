/** Describes the content of a Keras file without converting it. */
import type { KerasFile } from '../../formats/hdf5/keras-file.ts';
import { isQatNetwork, originOf } from './dialect.ts';
import type { Dialect } from './layer.ts';
import { detectorClasses, removePackage } from './layers/table.ts';
import { parseNetwork } from './network.ts';

/** What `tlt-model inspect` shows of a Keras file. */
export type KerasDescription = {
  readonly kerasVersion: string | null;
  readonly backend: string | null;
  /** Padding convention of the convolutions. */
  readonly padding: Dialect;
  readonly parameters: number;
  /** Trained with quantisation (QAT). */
  readonly qat: boolean;
  /** A detector whose exported graph ends in plugin nodes configured by the experiment spec. */
  readonly endsBySpec: boolean;
  readonly layers: readonly LayerDescription[];
};

/** A layer with the number of its parameters. */
export type LayerDescription = {
  readonly name: string;
  readonly class: string;
  readonly parameters: number;
};

/**
 * Layers in the order of the file, with their parameter counts. @throws UserError ModelInvalid, ModelUnsupported (a
 * subclassed model)
 */
export const describeKeras = (file: KerasFile): KerasDescription => {
  const layers = [...parseNetwork(file.network).layers.values()].map(({ name, className }) => ({
    name,
    class: className,
    parameters: className === 'InputLayer' ? 0 : parametersOf(file, name),
  }));
  return {
    kerasVersion: file.kerasVersion ?? null,
    backend: file.backend ?? null,
    padding: originOf(file).dialect,
    parameters: layers.reduce((total, { parameters }) => total + parameters, 0),
    qat: isQatNetwork(file.network),
    endsBySpec: layers.some((layer) => detectorClasses.has(removePackage(layer.class))),
    layers,
  };
};

const parametersOf = (file: KerasFile, layer: string): number =>
  file.weightsOf(layer).reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
