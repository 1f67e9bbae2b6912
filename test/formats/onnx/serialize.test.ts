import { toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { ModelProtoSchema, type TensorProto } from '../../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf } from '../../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../../src/formats/onnx/tensor.ts';
import { sameBytes } from '../../builders/same-bytes.ts';
import { realModel, smallModel } from './models.ts';

test('the bytes equal those of the protobuf library', (t) => {
  const models = [smallModel(), parseModel(realModel('ch_ppocr_mobile_v2.0_cls_infer.onnx'))];
  for (const model of models) t.true(sameBytes(serializeModel(model), toBinary(ModelProtoSchema, model)));
});

test('tensors of few and of many bytes do too, and one without values has no field of raw data', (t) => {
  const model = smallModel();
  const sizes = [1, 1023, 1024, 5000];
  const filled = sizes.map((size) =>
    tensorFromFloats(`of ${size}`, [size], new Float32Array(size).fill(1.5)),
  );
  const withTensors = (initializer: readonly TensorProto[]) =>
    copyWith(model, { graph: copyWith(graphOf(model), { initializer: [...initializer] }) });
  const library = toBinary(ModelProtoSchema, withTensors(filled));
  t.true(sameBytes(serializeModel(withTensors(filled)), library));
  const empty = tensorFromFloats('of none', [0], new Float32Array(0));
  const bytes = serializeModel(withTensors([empty]));
  t.is(bytes.length, toBinary(ModelProtoSchema, withTensors([empty])).length - 2);
});
