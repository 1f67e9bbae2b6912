/**
 * ModelProto -> bytes with each weight copied once. The protobuf library writes a message inside a message as a copy of
 * its own, so that a weight would be in memory four times; here weights go straight to their place. The bytes are the
 * same: fields in the order of their numbers.
 */
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { release } from '../../ground/base/release.ts';
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

/** What becomes of the source's bytes once they are copied. */
export type Afterwards = 'Keep' | 'Release';

export const serialized = (model: ModelProto, afterwards: Afterwards = 'Keep'): Uint8Array => {
  const { graph } = model;
  if (!graph) return toBinary(ModelProtoSchema, model);
  const tensors = graph.initializer.flatMap((tensor) => framed(initializerNumber, tensorParts(tensor)));
  const [nodes, ports] = partsAround(GraphProtoSchema, graph, initializerNumber);
  const [head, tail] = partsAround(ModelProtoSchema, model, graphNumber);
  return joined([head, ...framed(graphNumber, [nodes, ...tensors, ports]), tail], afterwards);
};

const tensorParts = (tensor: TensorProto): Uint8Array[] => {
  const [before, after] = partsAround(TensorProtoSchema, tensor, rawDataNumber);
  return [before, ...(tensor.rawData.length > 0 ? framed(rawDataNumber, [tensor.rawData]) : []), after];
};

/** The fields before one, and those behind it with what is unknown. */
const partsAround = <Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  number: number,
): [Uint8Array, Uint8Array] => {
  const before = without(schema, message, (each) => each >= number);
  Reflect.deleteProperty(before, '$unknown');
  const after = without(schema, message, (each) => each <= number);
  return [toBinary(schema, before), toBinary(schema, after)];
};

const without = <Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  goes: (number: number) => boolean,
): MessageShape<Desc> => {
  const copy = copyWith(message, {});
  for (const field of schema.fields.filter((each) => goes(each.number)))
    if (field.fieldKind === 'list') Reflect.set(copy, field.localName, []);
    else Reflect.deleteProperty(copy, field.localName);
  return copy;
};

/** A field of bytes or of a message: its tag and length, then what is in it. */
const framed = (number: number, parts: readonly Uint8Array[]): Uint8Array[] => {
  const length = parts.reduce((total, part) => total + part.length, 0);
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();
  return [head, ...parts];
};

const joined = (parts: readonly Uint8Array[], afterwards: Afterwards): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
    if (afterwards === 'Release') release(part);
  }
  return bytes;
};
