/** Largest values of numbers that users give, once for the flags and the CRDs: beyond them is a mistake. */
export const numberLimits = {
  batches: 100_000,
  batchSize: 1024,
  maxBatchSize: 1024,
  /** Bytes: 1 TiB, more than any GPU has. */
  maxWorkspaceSize: 2 ** 40,
  /** What an int32 of a Kubernetes object holds. */
  seed: 2 ** 31 - 1,
  /** Decibel: beyond 140 two float32 tensors are equal. */
  minAgreement: 200,
} as const;
