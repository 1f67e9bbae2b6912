/**
 * What a user can say of a model that its file and its module leave open: which ports count, the size of a free input, and
 * how pixels are prepared. All of it is optional. Decimal numbers are strings, since Kubernetes objects hold no floats.
 */
export type ModelSettings = {
  readonly ports?: PortNames;
  readonly inputDims?: InputDims;
  readonly preprocess?: PixelSettings;
};

/** Names in the graph; the module's own, or those that shape and kind tell, if left out. */
export type PortNames = { readonly input?: string; readonly outputs?: readonly string[] };

export type InputDims = { readonly channels: number; readonly height: number; readonly width: number };

/** y = (x − mean) × scale for x in 0…255; a part that is left out is the module's own. */
export type PixelSettings = {
  readonly channelOrder?: 'RGB' | 'BGR';
  /** One number for all channels, or one for each, in the order in which the network gets them. */
  readonly mean?: readonly string[];
  readonly scale?: readonly string[];
};

export const channelOrders = ['RGB', 'BGR'] as const;

/** A decimal number as a string: `-103.939`, `1.7e-2`. */
export const decimalPattern = '^-?[0-9]{1,9}([.][0-9]{1,15})?(e-?[0-9]{1,2})?$';

/** Sides beyond this are refused before memory is taken for them. */
export const maxSide = 16384;
