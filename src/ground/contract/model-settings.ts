/**
 * Optional settings of a model that neither its file nor its module defines: ports, the size of a dynamic input, and
 * preprocessing. Decimal numbers are strings, because Kubernetes objects should not contain floats.
 */
export type ModelSettings = {
  readonly ports?: PortNames;
  readonly inputDims?: InputDims;
  readonly preprocess?: PixelSettings;
};

/** Names of graph inputs and outputs. Default: the module's names, or detection by shape and type. */
export type PortNames = { readonly input?: string; readonly outputs?: readonly string[] };

export type InputDims = { readonly channels: number; readonly height: number; readonly width: number };

/** y = (x − mean) × scale for x in 0…255; omitted parts default to the module's own. */
export type PixelSettings = {
  readonly channelOrder?: 'RGB' | 'BGR';
  /** One number for all channels, or one per channel in network channel order. */
  readonly mean?: readonly string[];
  readonly scale?: readonly string[];
};

/** Allowed channel orders. */
export const channelOrders = ['RGB', 'BGR'] as const;

/** A decimal number as a string: `-103.939`, `1.7e-2`. */
export const decimalPattern = '^-?[0-9]{1,9}([.][0-9]{1,15})?(e-?[0-9]{1,2})?$';

/** Maximum height and width; larger values are rejected before memory is allocated. */
export const maxSide = 16384;
