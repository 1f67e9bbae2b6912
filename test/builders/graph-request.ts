/** The graph that a backend's builder reads, as an engine pod asks for it. */
import type { GraphRequest } from '../../src/graph/precision/precision.ts';
import type { Scales } from '../../src/graph/precision/qdq.ts';
import type { DataType } from '../../src/ground/contract/architectures.ts';
import type { Backend } from '../../src/ground/contract/backends.ts';
import type { EngineSettings } from '../../src/ground/contract/tensorrt-plan.ts';
import { makeEngineRequest, planEngine } from '../../src/ground/plans/engine-plan.ts';

const settings: Readonly<Record<Backend, EngineSettings>> = {
  OnnxRuntime: {},
  TensorRtRtx: { computeCapability: '8.6' },
  // The graph decides precisions.
  TensorRt: { version: '10.3', strictTypes: true },
};

export const graphRequest = (backend: Backend, dataType: DataType, scales?: Scales): GraphRequest => {
  const task = { backend, dataType, maxBatchSize: 4, maxWorkspaceSizeBytes: 2 ** 28 };
  return { ...planEngine(makeEngineRequest({ ...task, settings: settings[backend] })).plan!, scales };
};
