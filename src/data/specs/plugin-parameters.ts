/** Parameters of the TensorRT plugin nodes of a detector, from its spec; names follow the plugin attributes. */
export type PluginParameters = {
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  /** Boxes per class before NMS. */
  readonly topK: number;
  /** Boxes in total after NMS. */
  readonly keepTopK: number;
  /** Number of classes without the background. */
  readonly classes: number;
  /** Bits of a score when the plugin sorts; 0 if not set. */
  readonly scoreBits: number;
  /** First stage of faster_rcnn (region proposals). */
  readonly proposal?: {
    readonly preNmsTopN: number;
    readonly postNmsTopN: number;
    readonly iouThreshold: number;
    readonly anchorSizes: readonly number[];
    readonly anchorRatios: readonly number[];
    readonly cropSize: number;
    /** Input pixels per cell of the feature map. */
    readonly stride: number;
    /** Factors by which the training scaled the offsets x, y, width and height; empty if not set. */
    readonly boxSpread: readonly number[];
  };
};
