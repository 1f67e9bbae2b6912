/** What the TensorRT driver needs of a model beside its graph: scales, the layers that they make int8, and those kept in float. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf, graphsOf } from '../../formats/onnx/graph.ts';
import type { TensorRtBuild } from '../../ground/contract/task.ts';
import type { TensorRtPlan } from '../../ground/contract/tensorrt-plan.ts';
import { int8Activations } from '../precision/calibration-graph.ts';
import { findFloatLayers } from '../precision/float-layers.ts';
import type { Scales } from '../precision/qdq.ts';

type Built = { readonly model: ModelProto; readonly graph: ModelProto; readonly scales: Scales | undefined };

/** Adds to the plan what it needs of the model. @throws UserError LayerNotFound */
export const makeTensorRtBuild = (
  plan: TensorRtPlan,
  { model, graph, scales }: Built,
  keepFloat: readonly string[],
): TensorRtBuild => {
  if (plan.int8 === undefined || scales === undefined) return { plan };
  if (plan.int8 === 'QdqGraph') return { plan, quantisers: countQuantisers(graph) };
  const int8Tensors = int8Activations(model).filter((name) => scales.has(name));
  const { kept, scaled } = plan.layerPrecision;
  return {
    plan,
    scales: Object.fromEntries(scales),
    int8Tensors,
    ...(scaled && { int8Outputs: convolutionsOf(model, new Set(int8Tensors), scales) }),
    ...(kept && { keptOutputs: findFloatLayers(model, keepFloat).outputs }),
  };
};

const countQuantisers = (graph: ModelProto): number =>
  [...graphsOf(graphOf(graph))]
    .flatMap(({ node }) => node)
    .filter(({ opType }) => opType === 'QuantizeLinear').length;

/**
 * Outputs of the convolutions whose input and output have scales. Other layers have no int8 kernels in every version, and
 * a constraint that cannot be obeyed fails the build.
 */
const convolutionsOf = (
  model: ModelProto,
  int8Tensors: ReadonlySet<string>,
  scales: Scales,
): readonly string[] =>
  foldConstants(graphOf(model)).node.flatMap(({ opType, input, output }) =>
    ['Conv', 'ConvTranspose'].includes(opType) && int8Tensors.has(input[0]!) && scales.has(output[0]!)
      ? [output[0]!]
      : [],
  );
