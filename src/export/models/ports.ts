/**
 * Finds the input and the outputs of a graph for its module: by the names that the user sets, else by TLT's names, else
 * by shape and kind. If the choice is ambiguous, the model is refused with the candidates.
 */

import type { GraphProto, ValueInfoProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { inputsOf, outputsOf, shapeOf } from '../../formats/onnx/graph.ts';
import { isPlugin } from '../../graph/plugins/plugin-nodes.ts';
import { UserError } from '../../ground/base/errors.ts';
import {
  type Architecture,
  type ArchitectureRow,
  architectures,
} from '../../ground/contract/architectures.ts';
import { field } from '../../ground/contract/fields.ts';
import type { PortNames } from '../../ground/contract/model-settings.ts';

/** The image input, and the names of the outputs in the module's order. */
export type Ports = { readonly input: ValueInfoProto; readonly outputs: readonly string[] };

/** The module, and names set by the user. */
export type PortRequest = {
  /** For messages. */
  readonly path: string;
  readonly architecture: Architecture;
  readonly names?: PortNames | undefined;
};

/** @throws UserError ModelUnsupported naming the ports that the graph has */
export const findPorts = (graph: GraphProto, request: PortRequest): Ports => ({
  input: findInput(inputsOf(graph), request),
  outputs: findOutputs(graph, request),
});

/**
 * The only input of a graph of any architecture, and the named outputs, or all without names.
 * @throws UserError ModelUnsupported naming the ports that the graph has
 */
export const findOnlyPorts = (
  graph: GraphProto,
  { path, outputs: wanted }: { readonly path: string; readonly outputs: readonly string[] | undefined },
): Ports => {
  const found = outputsOf(graph);
  const outputs = wanted === undefined ? found.map(({ name }) => name) : requireOutputs(found, wanted, path);
  return { input: findInput(inputsOf(graph), { path }), outputs };
};

type InputRequest = Pick<PortRequest, 'path' | 'names'> & Partial<Pick<PortRequest, 'architecture'>>;

const findInput = (
  inputs: readonly ValueInfoProto[],
  { path, architecture, names }: InputRequest,
): ValueInfoProto => {
  const wanted = names?.input;
  const all = listPorts(inputs);
  if (wanted !== undefined && !inputs.some(({ name }) => name === wanted))
    throw unsupportedModel(
      path,
      `it has no input ${wanted}; its inputs are ${all}. Select one with ${field('inputNode')}`,
    );
  const [input, ...others] = inputs;
  if (input && others.length === 0) return input;
  throw unsupportedModel(
    path,
    `its inputs are ${all}, and ${architecture === undefined ? 'an engine' : `a graph of ${architecture}`} takes only images, in one input. Replace the others by constants and export it again`,
  );
};

const findOutputs = (graph: GraphProto, request: PortRequest): readonly string[] => {
  const { path, architecture, names } = request;
  const found = outputsOf(graph);
  if (names?.outputs && names.outputs.length > 0) return requireOutputs(found, names.outputs, path);
  const row: ArchitectureRow = architectures[architecture];
  const known = [row.outputs, ...(row.otherOutputs ?? [])]
    .map((wanted) => findAllNamed(found, wanted))
    .find((outputs) => outputs !== undefined);
  const outputs = known ?? byKind[architecture](graph);
  if (outputs) return outputs;
  throw unsupportedModel(
    path,
    `its outputs are ${listPorts(found)}, and none can be identified as ${roles[architecture]}. Choose the matching module, or set the outputs with ${field('outputNodes')}`,
  );
};

const requireOutputs = (
  found: readonly ValueInfoProto[],
  wanted: readonly string[],
  path: string,
): readonly string[] => {
  const missing = wanted.find((name) => !found.some((output) => output.name === name));
  if (missing === undefined) return wanted;
  throw unsupportedModel(
    path,
    `it has no output ${missing}; its outputs are ${listPorts(found)}. Select outputs with ${field('outputNodes')}`,
  );
};

/** Converters from TensorFlow leave `:0` at the end of a name. */
const isNamed = (name: string, wanted: string): boolean => name === wanted || name === `${wanted}:0`;

/** The graph's names of all wanted outputs; undefined if one is missing. */
const findAllNamed = (
  found: readonly ValueInfoProto[],
  wanted: readonly string[],
): readonly string[] | undefined => {
  const names = wanted.flatMap((name) => found.find((each) => isNamed(each.name, name))?.name ?? []);
  return names.length === wanted.length ? names : undefined;
};

type Kind = (graph: GraphProto) => readonly string[] | undefined;

/** The only output, or the only one with a row of classes per image. */
const classes: Kind = (graph) => {
  const outputs = outputsOf(graph);
  const rows = outputs.length === 1 ? outputs : outputs.filter(hasRows);
  return rows.length === 1 ? [rows[0]!.name] : undefined;
};

/** [N, classes], also as [N, classes, 1, 1]. */
const hasRows = (output: ValueInfoProto): boolean => {
  const [, ...sizes] = shapeOf(output) ?? [];
  const [count, ...rest] = sizes;
  return (
    count !== undefined && count !== 1 && (sizes.length === 1 || (sizes.length === 3 && rest.every(isOne)))
  );
};

const isOne = (size: unknown): boolean => size === 1;

/** Boxes first, as in TLT: four planes for each coverage plane, on the same grid. */
const grids: Kind = (graph) => {
  const outputs = outputsOf(graph).map((output) => ({ name: output.name, shape: shapeOf(output) ?? [] }));
  const [many, few] = outputs.toSorted((a, b) => Number(b.shape[1]) - Number(a.shape[1]));
  const fits =
    outputs.length === 2 &&
    outputs.every(({ shape }) => shape.length === 4 && typeof shape[1] === 'number') &&
    many!.shape[1] === 4 * (few!.shape[1] as number) &&
    `${many!.shape.slice(2)}` === `${few!.shape.slice(2)}`;
  return fits ? [many!.name, few!.name] : undefined;
};

/** All outputs of the plugin node at the end of the graph, in its order. */
const plugin =
  (count: number): Kind =>
  ({ node, output }) => {
    const given = new Set(output.map(({ name }) => name));
    const end = node.find((each) => isPlugin(each) && each.output.some((name) => given.has(name)));
    return end?.output.length === count && end.output.every((name) => given.has(name))
      ? end.output
      : undefined;
  };

const byKind: Readonly<Record<Architecture, Kind>> = {
  classification: classes,
  detectnet_v2: grids,
  ssd: plugin(2),
  dssd: plugin(2),
  faster_rcnn: plugin(2),
  retinanet: plugin(2),
  yolo: plugin(4),
};

const roles: Readonly<Record<Architecture, string>> = {
  classification: 'the classes, one row per image',
  detectnet_v2: 'boxes and coverage, four box planes per coverage plane on one grid',
  ssd: 'the detections of an NMS plugin',
  dssd: 'the detections of an NMS plugin',
  faster_rcnn: 'the detections of an NMS plugin',
  retinanet: 'the detections of an NMS plugin',
  yolo: 'the detections of a BatchedNMS plugin',
};

const listPorts = (values: readonly ValueInfoProto[]): string => {
  const shown = values.slice(0, mostListed).map((value) => `${value.name} ${shapeText(value)}`);
  const more = values.length - shown.length;
  return values.length === 0 ? 'none' : `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

const mostListed = 16;

/** `[N, 3, 224, 224]`, with ? for unknown sizes. */
export const shapeText = (value: ValueInfoProto): string =>
  `[${
    shapeOf(value)
      ?.map((size) => size ?? '?')
      .join(', ') ?? 'of unknown rank'
  }]`;

/** The error for a model that does not fit its module. */
export const unsupportedModel = (path: string, found: string): UserError =>
  new UserError('ModelUnsupported', `Opening ${path}: ${found}.`);
