/**
 * What keeps the memory of a long calibration small and flat, measured in docs/benchmarks.md: one heap of the C library
 * for all threads, and a young generation of JavaScript of 1 MiB a half. The image sets it, and so do the tools' first
 * lines, and pods in which the worker runs in another image.
 */
export const memorySettings = {
  environment: { MALLOC_ARENA_MAX: '1' },
  nodeFlags: ['--max-semi-space-size=1'],
} as const;
