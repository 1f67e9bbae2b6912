/** Makes the request for a build driver: the model's shapes and the engine's options. */
import { join } from 'node:path';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, inputsOf, shapeOf } from '../../formats/onnx/graph.ts';
import { backends } from '../../ground/contract/backends.ts';
import { buildReportFile, workFiles } from '../../ground/contract/layout.ts';
import type { BuildRequest, EngineTask } from '../../ground/contract/task.ts';
import { outputRoles } from '../evaluation/output-roles.ts';
import { findFloatLayers } from '../precision/float-layers.ts';

/** The engine options that builders use. */
export type EngineOptions = Pick<
  EngineTask,
  'backend' | 'computeCapability' | 'maxBatchSize' | 'maxWorkspaceSizeBytes' | 'keepFloat' | 'options'
>;

/** Folders that the builder reads from and writes to. */
export type BuildPlaces = { readonly work: string; readonly built: string };

/** Makes the build request for a model with one input [N,C,H,W]; `optShape` is half of the maximum batch. */
export const buildRequest = (
  task: EngineOptions,
  model: ModelProto,
  { work, built }: BuildPlaces,
): BuildRequest => {
  const input = inputsOf(graphOf(model))[0]!;
  const [batch, ...image] = shapeOf(input)!;
  // A graph with a fixed batch size accepts only that size.
  const largest = typeof batch === 'number' ? batch : task.maxBatchSize;
  const least = typeof batch === 'number' ? batch : 1;
  const shape = (size: number): number[] => [size, ...image.map(Number)];
  return {
    model: join(work, workFiles.model),
    engine: join(built, backends[task.backend].engineFile),
    report: join(built, buildReportFile),
    ...(task.computeCapability !== undefined && { computeCapability: task.computeCapability }),
    inputName: input.name,
    minShape: shape(least),
    optShape: shape(Math.max(least, Math.ceil(largest / 2))),
    maxShape: shape(largest),
    workspaceBytes: task.maxWorkspaceSizeBytes,
    ...(task.keepFloat && { floatOutputs: findFloatLayers(model, task.keepFloat).outputs }),
    outputRoles: outputRoles(model),
    options: task.options,
  };
};
