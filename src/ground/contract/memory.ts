/**
 * Settings that bound the memory of a long calibration (docs/benchmarks.md): one malloc arena for all threads, and a V8
 * semi-space of 1 MiB. Set by the image, by the shebang lines of the tools, and in pods that run a user's image.
 */
export const memorySettings = {
  environment: { MALLOC_ARENA_MAX: '1' },
  nodeFlags: ['--max-semi-space-size=1'],
} as const;

/**
 * Of the operator, whose garbage is the text of watch events: with a semi-space of 1 MiB, a third of its processor time was
 * garbage collection. Its heap may grow by 30 % between two collections; by default, V8 lets it nearly double
 * (docs/benchmarks.md). They go before NODE_OPTIONS of the image.
 */
export const operatorNodeFlags = ['--max-semi-space-size=4', '--heap-growing-percent=30'] as const;
