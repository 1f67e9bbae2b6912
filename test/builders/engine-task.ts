/** The int8 engine of an export, for this CPU unless another class is wanted. */
import type { Exported } from '../../src/ground/contract/result.ts';
import type { EngineTask } from '../../src/ground/contract/task.ts';

export const anEngineTask = (
  { etlt, calibrationCache, verification }: Exported,
  changes: Partial<EngineTask> = {},
): EngineTask => ({
  deviceClass: 'cpu',
  backend: 'OnnxRuntime',
  dataType: 'int8',
  maxBatchSize: 4,
  maxWorkspaceSizeBytes: 2 ** 28,
  etlt,
  calibrationCache: calibrationCache!,
  verification: verification!,
  options: {},
  engineKey: 'e',
  folder: 'pvc://exports/out/k/engines/cpu/e',
  ...changes,
});
