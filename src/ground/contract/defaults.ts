/** Defaults of TLT 2.0 ("Exporting the Model"), shared by flags, CRDs and tasks. */
export const defaults = {
  dataType: 'fp32',
  batches: 10,
  batchSize: 8,
  maxBatchSize: 16,
  /** Bytes; 1 << 30. */
  maxWorkspaceSize: 1073741824,
  calibrationCacheFile: './cal.bin',
  algorithm: 'Entropy',
  /** TLT exports the graph of the training. */
  equalize: 'off',
  /** Seed of the image sample; the same seed gives the same cache. */
  seed: 42,
  /** Fraction of calibration images that may fail to decode. */
  maxBroken: 0,
  /** Version in the first line of the calibration cache: that of JetPack 6.0 and the last 8.x server release. */
  tensorRtVersion: '8.6.1',
} as const;
