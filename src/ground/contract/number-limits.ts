/** Upper bounds of numeric settings, shared by flags and CRDs; larger values are mistakes. */
export const numberLimits = {
  batches: 100_000,
  batchSize: 1024,
  maxBatchSize: 1024,
  /** Pods of one calibration. Their histograms are added in one pod; see docs/sizing.md. */
  parallelism: 1000,
  /** Bytes: 1 TiB, more than any GPU has. */
  maxWorkspaceSize: 2 ** 40,
  /** Maximum int32. */
  seed: 2 ** 31 - 1,
  /** Decibel; above 140 dB two float32 tensors are equal. */
  minAgreement: 200,
  /** Orin has two cores; larger numbers are mistakes. */
  dlaCore: 7,
} as const;
