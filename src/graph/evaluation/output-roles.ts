/** The roles of a graph's outputs: by the plugin node that ends it, by its ports, else by TLT's names. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../formats/onnx/graph.ts';
import { architectures } from '../../ground/contract/architectures.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { FloatTensor, FloatTensors } from '../inference/session.ts';

/** `ports`: the outputs that count, as they were found or named; two of them may be boxes and coverage. */
export const outputRoles = (model: ModelProto, ports: readonly string[] = []): OutputRoles => {
  const graph = graphOf(model);
  const outputs = graph.output.map(({ name }) => name);
  const byName = rolesByName(outputs);
  const detections =
    graph.node.map(detectionsOf(new Set(outputs))).find((found) => found !== undefined) ?? byName.detections;
  const [first, second, ...more] = ports;
  const isPair = first !== undefined && second !== undefined && more.length === 0;
  const grids = isPair ? ([first, second] as const) : byName.grids;
  return { ...(detections && { detections }), ...(grids && { grids }) };
};

type GraphNode = ReturnType<typeof graphOf>['node'][number];

/** NMS_TRT writes rows, BatchedNMS_TRT a count, boxes, scores and labels; dynamic ones as well. */
const detectionsOf =
  (outputs: ReadonlySet<string>) =>
  ({ opType, output }: GraphNode): OutputRoles['detections'] => {
    const [first, boxes, scores, labels] = output.filter((name) => outputs.has(name));
    if (/^NMS(Dynamic)?_TRT$/.test(opType)) return first === undefined ? undefined : { rows: first };
    const isBatched = /^BatchedNMS(Dynamic)?_TRT$/.test(opType) && labels !== undefined;
    return isBatched ? { boxes: boxes!, scores: scores!, labels } : undefined;
  };

/** Of graphs that carry TLT's names. */
export const rolesByName = (outputs: readonly string[]): OutputRoles => {
  const named = (wanted: string) => outputs.find((name) => name.replace(/:0$/, '') === wanted);
  const rows = rowOutputs.map(named).find((name) => name !== undefined);
  const [boxes, scores, labels] = architectures.yolo.outputs.slice(1).map(named);
  const columns = boxes && scores && labels ? { boxes, scores, labels } : undefined;
  const detections = rows === undefined ? columns : { rows };
  const [plane, coverage] = architectures.detectnet_v2.outputs.map(named);
  return { ...(detections && { detections }), ...(plane && coverage && { grids: [plane, coverage] }) };
};

const rowOutputs = [architectures.ssd.outputs[0], architectures.faster_rcnn.outputs[0]];

/** The output of one plane for four of the other, if the two are grids of boxes and coverage. */
export const coverageAmong = (outputs: FloatTensors, { grids }: OutputRoles): string | undefined => {
  const [many, few] = [...(grids ?? [])].sort((a, b) => planesOf(outputs[b]) - planesOf(outputs[a]));
  if (many === undefined || few === undefined) return undefined;
  const [boxes, coverage] = [outputs[many]?.dims ?? [], outputs[few]?.dims ?? []];
  const isGrid = boxes.length === 4 && coverage.length === 4;
  const fits = boxes[1] === 4 * coverage[1]! && `${boxes.slice(2)}` === `${coverage.slice(2)}`;
  return isGrid && fits ? few : undefined;
};

const planesOf = (tensor: FloatTensor | undefined): number => tensor?.dims[1] ?? 0;
