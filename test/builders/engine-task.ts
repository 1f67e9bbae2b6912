/** The int8 engine of an export in that folder, for this CPU unless another class is wanted. */
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import type { Exported } from '../../src/ground/contract/result.ts';
import type { EngineTask } from '../../src/ground/contract/task.ts';

export const anEngineTask = (
  { etlt, calibrationCache, distributions, verification }: Exported,
  changes: Partial<EngineTask> = {},
  folder = 'pvc://exports/out/k',
): EngineTask => ({
  deviceClass: 'cpu',
  backend: 'OnnxRuntime',
  dataType: 'int8',
  maxBatchSize: 4,
  maxWorkspaceSizeBytes: 2 ** 28,
  etlt: toArtifact(folder, etlt),
  calibrationCache: toArtifact(folder, calibrationCache!),
  ...(distributions && { distributions: toArtifact(folder, distributions) }),
  verification: toArtifact(folder, verification!),
  settings: {},
  image: 'builder',
  engineKey: 'e',
  folder: `${folder}/engines/cpu/e`,
  ...changes,
});
