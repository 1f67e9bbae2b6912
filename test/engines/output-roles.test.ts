/** Detection of the outputs with boxes, under any name. */
import test from 'ava';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { buildRequest, planModel } from '../../src/graph/builders/build-request.ts';
import { outputRoles } from '../../src/graph/evaluation/output-roles.ts';
import { rename, withRenamedOutputs } from '../builders/renamed.ts';
import { detectorFile, detectorNames } from '../models/models.ts';

const names = {
  rows: (first: string) => ({ detections: { rows: rename(first) } }),
  columns: {
    detections: {
      boxes: rename('BatchedNMS_1'),
      scores: rename('BatchedNMS_2'),
      labels: rename('BatchedNMS_3'),
    },
  },
};
const expected = {
  ssd: names.rows('NMS'),
  dssd: names.rows('NMS'),
  retinanet: names.rows('NMS'),
  faster_rcnn: names.rows('nms_out'),
  yolo: names.columns,
} as const;

const options = {
  backend: 'OnnxRuntime',
  dataType: 'fp32',
  maxBatchSize: 1,
  maxWorkspaceSizeBytes: 2 ** 30,
  settings: {},
} as const;

for (const name of detectorNames)
  test(`the boxes of ${name} are found after its plugin, also for the comparison of an engine`, async (t) => {
    const model = withRenamedOutputs(await readModelFile(detectorFile(name)));
    t.like(outputRoles(model), expected[name]);
    const places = { work: 'work', built: 'built' };
    const planned = { ...planModel(options, model), model, graph: model, scales: undefined };
    t.like(buildRequest(options, planned, places).outputRoles, expected[name]);
  });
