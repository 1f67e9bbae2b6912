/** A build request for the stand-in: a real classifier, with a scale for each of its tensors. */

import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf } from '../../src/formats/onnx/graph.ts';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { buildRequest, type EngineOptions, planModel } from '../../src/graph/builders/build-request.ts';
import { makeTensorRtBuild } from '../../src/graph/builders/tensorrt-build.ts';
import { buildCalibrationGraph } from '../../src/graph/precision/calibration-graph.ts';
import { layerName } from '../../src/graph/precision/float-layers.ts';
import { buildGraphFor } from '../../src/graph/precision/precision.ts';
import type { BuildRequest, TensorRtBuild } from '../../src/ground/contract/task.ts';
import type { TensorRtPlan } from '../../src/ground/contract/tensorrt-plan.ts';
import { type Driven, drive } from '../builders/driver.ts';
import { modelFile } from '../models/models.ts';
import { type StandIn, standInEnvironment } from './stand-in.ts';

export const classifier = await readModelFile(modelFile('classifier'));
const scales = new Map(buildCalibrationGraph(classifier).tensors.map((name) => [name, 0.05]));

/** The second convolution, which is kept in float where layers are. */
export const keptLayer = layerName(graphOf(classifier).node.filter(({ opType }) => opType === 'Conv')[1]!);

export type Classic = StandIn & {
  readonly options?: Partial<EngineOptions>;
  /** In place of `python3`. */
  readonly python?: string;
  /** In place of the planned one. */
  readonly plan?: TensorRtPlan;
  readonly change?: Partial<BuildRequest>;
  readonly build?: Partial<TensorRtBuild>;
  /** Operator of the last layer. */
  readonly lastOperator?: string;
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
};

/** Plans, and runs the driver with the stand-in. */
export const driveClassic = async (classic: Classic): Promise<Driven> => {
  const options: EngineOptions = {
    backend: 'TensorRt',
    dataType: 'fp16',
    maxBatchSize: 16,
    maxWorkspaceSizeBytes: 2 ** 30,
    settings: { version: classic.version },
    ...classic.options,
  };
  const planned = planModel(options, classifier);
  const plan = classic.plan ?? planned.plan.tensorRt!;
  const graph = buildGraphFor(classifier, { ...plan, pairs: 'TensorRt', scales });
  const built = { ...planned, batch: plan.batch, model: classifier, graph, scales };
  const tensorRt = makeTensorRtBuild(plan, built, plan.layerPrecision.kept ? [keptLayer] : []);
  return drive({
    python: classic.python ?? 'python3',
    request: {
      ...buildRequest(options, built, { work: '', built: '' }),
      tensorRt: { ...tensorRt, ...classic.build },
      ...classic.change,
    },
    model: serializeModel(classic.lastOperator ? withLastOperator(graph, classic.lastOperator) : graph),
    env: await standInEnvironment(classic),
    ...(classic.onStart && { onStart: classic.onStart }),
  });
};

const withLastOperator = (model: ModelProto, opType: string): ModelProto => {
  const graph = graphOf(model);
  const last = graph.node.at(-1)!;
  const node = [...graph.node.slice(0, -1), copyWith(last, { opType })];
  return copyWith(model, { graph: copyWith(graph, { node }) });
};
