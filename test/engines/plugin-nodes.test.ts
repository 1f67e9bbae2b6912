/** Graphs that end in TensorRT's plugin nodes, without TensorRT. */
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import { makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { isPlugin } from '../../src/graph/plugins/plugin-nodes.ts';
import { buildCalibrationGraph } from '../../src/graph/precision/calibration-graph.ts';

const port = (name: string) => makeValueInfo(name, elementType.float32, ['N', 3]);
const node = (opType: string, from: string, to: string) =>
  makeNode(opType, { inputs: [from], outputs: [to] });

test('calibration ends at the inputs of a final plugin node, and of one that only TensorRT knows', async (t) => {
  const { model, tensors } = buildCalibrationGraph(
    makeModel({
      name: 'plugin',
      inputs: [port('x')],
      outputs: [port('NMS'), port('late'), port('beside')],
      nodes: [
        node('Relu', 'x', 'boxes'),
        node('NMSDynamic_TRT', 'boxes', 'NMS'),
        node('Unheard_TRT', 'boxes', 'middle'),
        node('Relu', 'middle', 'late'),
        node('Neg', 'x', 'beside'),
      ],
      opset: 13,
    }),
  );
  t.deepEqual(tensors, ['x', 'boxes', 'beside']);
  const session = await openSession(serializeModel(model));
  t.deepEqual(session.outputs.map(({ name }) => name).sort(), ['beside']);
  await session.release();
});

test('an operator of another domain is not a plugin, whatever its name', (t) => {
  const parts = { inputs: ['x'], outputs: ['y'] };
  t.true(isPlugin(makeNode('CropAndResizeDynamic', parts)));
  t.true(isPlugin(makeNode('EfficientNMS_TRT', parts)));
  t.false(isPlugin(makeNode('CropAndResize', { ...parts, domain: 'com.microsoft' })));
  t.false(isPlugin(makeNode('NonMaxSuppression', parts)));
});
