/** What a spec tells the TensorRT plugins behind a detector; names follow the plugins' attributes. */
export type PluginParameters = {
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  /** Boxes kept of each class before, and in all after, the suppression. */
  readonly topK: number;
  readonly keepTopK: number;
  /** Without the background. */
  readonly classes: number;
  /** Bits of a score in the plugin's sorting; 0 if the spec does not say. */
  readonly scoreBits: number;
  /** Of faster_rcnn's first stage. */
  readonly proposal?: {
    readonly preNmsTopN: number;
    readonly postNmsTopN: number;
    readonly iouThreshold: number;
    readonly anchorSizes: readonly number[];
    readonly anchorRatios: readonly number[];
    readonly cropSize: number;
    /** Pixels of the picture for each one of the feature map. */
    readonly stride: number;
    /** What the training multiplied the offsets x, y, width and height of boxes by; empty if the spec does not say. */
    readonly boxSpread: readonly number[];
  };
};
