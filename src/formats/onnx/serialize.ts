/**
 * Serializes a ModelProto and copies each weight once. The protobuf library copies a nested message at each level, so
 * that a weight would be in memory four times. The bytes are the same: fields in the order of their numbers.
 */
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { freeBuffer } from '../../ground/base/release.ts';
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './generated/onnx_pb.ts';
import { copyWith } from './graph.ts';

const graphNumber = ModelProtoSchema.field.graph.number;
const initializerNumber = GraphProtoSchema.field.initializer.number;
const rawDataNumber = TensorProtoSchema.field.rawData.number;

/** Whether the source's bytes are kept or released after they are copied. */
export type SourceBytes = 'Keep' | 'Release';

/** Serializes a model; with `Release` its buffers are freed on the way. */
export const serializeFields = (model: ModelProto, source: SourceBytes = 'Keep'): Uint8Array => {
  const { graph } = model;
  if (!graph) return toBinary(ModelProtoSchema, model);
  const tensors = graph.initializer.flatMap((tensor) => frameField(initializerNumber, tensorParts(tensor)));
  const [nodes, ports] = splitAround(GraphProtoSchema, graph, initializerNumber);
  const [head, tail] = splitAround(ModelProtoSchema, model, graphNumber);
  return concatenate([head, ...frameField(graphNumber, [nodes, ...tensors, ports]), tail], source);
};

/** Bytes of raw data from which a copy costs more than serializing the fields around them apart: most tensors are one scale. */
const worthSplitting = 4096;

const tensorParts = (tensor: TensorProto): Uint8Array[] => {
  const { length } = tensor.rawData;
  if (length > 0 && length < worthSplitting) return [toBinary(TensorProtoSchema, tensor)];
  const [before, after] = splitAround(TensorProtoSchema, tensor, rawDataNumber);
  return [before, ...(length > 0 ? frameField(rawDataNumber, [tensor.rawData]) : []), after];
};

/** Serializes the fields before field `number`, and those after it together with unknown fields. */
const splitAround = <Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  number: number,
): [Uint8Array, Uint8Array] => {
  const before = withoutFields(schema, message, (each) => each >= number);
  Reflect.deleteProperty(before, '$unknown');
  const after = withoutFields(schema, message, (each) => each <= number);
  return [toBinary(schema, before), toBinary(schema, after)];
};

const withoutFields = <Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  isOmitted: (number: number) => boolean,
): MessageShape<Desc> => {
  const copy = copyWith(message, {});
  for (const field of schema.fields.filter((each) => isOmitted(each.number)))
    if (field.fieldKind === 'list') Reflect.set(copy, field.localName, []);
    else Reflect.deleteProperty(copy, field.localName);
  return copy;
};

/** Frames a length-delimited field: tag and length, then its parts. */
const frameField = (number: number, parts: readonly Uint8Array[]): Uint8Array[] => {
  const length = parts.reduce((total, part) => total + part.length, 0);
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();
  return [head, ...parts];
};

const concatenate = (parts: readonly Uint8Array[], source: SourceBytes): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
    if (source === 'Release') freeBuffer(part);
  }
  return bytes;
};
