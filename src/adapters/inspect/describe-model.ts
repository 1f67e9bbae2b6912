/** Describes an ONNX model: what is needed to deploy it. */
import { elementTypeName } from '../../formats/onnx/element-type.ts';
import type { ModelProto, ValueInfoProto } from '../../formats/onnx/generated/onnx_pb.ts';
import {
  allNodes,
  elementTypeOf,
  graphOf,
  inputsOf,
  isDefaultDomain,
  opsetOf,
  outputsOf,
  parameterCount,
  shapeOf,
} from '../../formats/onnx/graph.ts';
import { dataBytesOf, hasExternalData } from '../../formats/onnx/model.ts';
import { isPlugin } from '../../graph/plugins/plugin-nodes.ts';
import { type Quantisation, quantisationOf } from '../../graph/precision/quantisation-form.ts';

/** An input or output of a graph. */
export type TensorDescription = {
  readonly name: string;
  /** Element type (`float32`); null for a sequence or a map. */
  readonly type: string | null;
  /** Each dimension is a size, a name, or null if unknown. Null if the rank is unknown. */
  readonly shape: readonly (number | string | null)[] | null;
};

/** An ONNX model, as in `tlt-model inspect --json`. */
export type ModelDescription = {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly opset: number;
  /** Domain → version of operator sets other than ONNX's own: TensorRT plugins, ai.onnx.ml … */
  readonly otherOpsets: Readonly<Record<string, number>>;
  readonly irVersion: number;
  readonly producer: string;
  readonly parameters: number;
  /** Bytes of all weights. */
  readonly dataBytes: number;
  readonly nodes: number;
  /** Operator -> number of nodes, most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  /** Operators of TensorRT plugin nodes, in graph order; omitted if there are none. */
  readonly plugins?: readonly string[];
  /** Whether the graph has activation scales in Q/DQ pairs. */
  readonly qat: boolean;
  /** How the model is quantised; omitted for a float model. */
  readonly quantisation?: Quantisation;
  /** Whether weights are in another file. */
  readonly externalData: boolean;
};

/** Describes the model's graph, including the nodes of nested graphs. */
export const describeModel = (model: ModelProto): ModelDescription => {
  const graph = graphOf(model);
  const nodes = allNodes(model);
  const quantisation = quantisationOf(model);
  const plugins = nodes.filter(isPlugin).map(({ opType }) => opType);
  return {
    inputs: inputsOf(graph).map(describeTensor),
    outputs: outputsOf(graph).map(describeTensor),
    opset: opsetOf(model),
    otherOpsets: Object.fromEntries(
      model.opsetImport.flatMap(({ domain, version }) =>
        isDefaultDomain(domain) ? [] : [[domain, Number(version)]],
      ),
    ),
    irVersion: Number(model.irVersion),
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    parameters: parameterCount(model),
    dataBytes: dataBytesOf(model),
    nodes: nodes.length,
    operators: countByFrequency(nodes.map(({ opType }) => opType)),
    ...(plugins.length > 0 && { plugins }),
    qat: quantisation?.form === 'pairs',
    ...(quantisation && { quantisation }),
    externalData: hasExternalData(model),
  };
};

const describeTensor = (value: ValueInfoProto): TensorDescription => {
  const type = elementTypeOf(value);
  return {
    name: value.name,
    type: type === undefined ? null : elementTypeName(type),
    shape: shapeOf(value)?.map((size) => size ?? null) ?? null,
  };
};

const countByFrequency = (names: readonly string[]): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
};
