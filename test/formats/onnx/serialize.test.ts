import { toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { ModelProtoSchema } from '../../../src/formats/onnx/generated/onnx_pb.ts';
import { parseModel, serializeModel } from '../../../src/formats/onnx/model.ts';
import { sameBytes } from '../../builders/same-bytes.ts';
import { realModel, smallModel } from './models.ts';

test('the bytes equal those of the protobuf library', (t) => {
  const models = [smallModel(), parseModel(realModel('ch_ppocr_mobile_v2.0_cls_infer.onnx'))];
  for (const model of models) t.true(sameBytes(serializeModel(model), toBinary(ModelProtoSchema, model)));
});
