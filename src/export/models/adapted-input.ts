/**
 * Gives the graph an input like TLT's: float32 images, N,C,H,W, of fixed size, under its own name. A Transpose and a
 * Cast at the start convert them to what the network expects.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeValueInfo, shapeOf } from '../../formats/onnx/graph.ts';
import { mapNodes } from '../../formats/onnx/inner-graphs.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { FreshNames } from '../../graph/transforms/fresh-names.ts';
import type { ModelInput } from './image-input.ts';

/** A model with an adapted input. */
export type AdaptedModel = { readonly model: ModelProto; readonly isRewritten: boolean };

/** Adapts the input `name`; returns the model itself if its input already fits. */
export const adaptInput = (model: ModelProto, name: string, image: ModelInput): AdaptedModel => {
  const graph = graphOf(model);
  const { channels, height, width, layout, elementType: type } = image;
  const port = graph.input.find((each) => each.name === name)!;
  const [batch, ...sizes] = shapeOf(port)!;
  const isPlain = layout === 'NCHW' && type === 'float32';
  if (isPlain && `${sizes}` === `${[channels, height, width]}`) return { model, isRewritten: false };
  const input = makeValueInfo(name, elementType.float32, [batch || 'N', channels, height, width]);
  const inputs = graph.input.map((each) => (each === port ? input : each));
  const sized = copyWith(graph, { input: inputs });
  return {
    model: copyWith(model, { graph: isPlain ? sized : prependNodes(sized, name, image) }),
    isRewritten: true,
  };
};

/** Inserts nodes after the input; its readers read their output instead. */
const prependNodes = (
  graph: GraphProto,
  name: string,
  { layout, elementType: type }: ModelInput,
): GraphProto => {
  const names = new FreshNames(graph);
  const front: NodeProto[] = [];
  const add = (opType: string, attributes: Parameters<typeof makeNode>[1]['attributes']): void => {
    const from = front.at(-1)?.output[0] ?? name;
    const to = names.fresh(`${name}/${opType}`);
    front.push(
      makeNode(opType, { name: to, inputs: [from], outputs: [to], ...(attributes && { attributes }) }),
    );
  };
  if (layout === 'NHWC') add('Transpose', { perm: { ints: [0, 2, 3, 1] } });
  if (type !== 'float32') add('Cast', { to: { int: elementType[type] } });
  const last = front.at(-1)!.output[0]!;
  const renamed = (each: string): string => (each === name ? last : each);
  const node = mapNodes(graph.node, (each) =>
    each.input.includes(name) ? copyWith(each, { input: each.input.map(renamed) }) : each,
  );
  return copyWith(graph, { node: [...front, ...node] });
};
