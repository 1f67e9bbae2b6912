/** TLT 2.0's defaults ("Exporting the Model"), once for the flags, the CRD and the tasks. */
export const defaults = {
  dataType: 'fp32',
  batches: 10,
  batchSize: 8,
  maxBatchSize: 16,
  /** Bytes; 1 << 30. */
  maxWorkspaceSize: 1073741824,
  calibrationCacheFile: './cal.bin',
  algorithm: 'Entropy',
  /** Seed of the image sample; the same seed gives the same cache. */
  seed: 42,
  /** Share of broken calibration images that is put up with. */
  maxBroken: 0,
  /** Stands in the first line of the calibration cache: what JetPack 6.0 and the last 8.x servers run. */
  tensorRtVersion: '8.6.1',
} as const;
