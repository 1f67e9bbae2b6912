import test from 'ava';
import { elementType, elementTypeName } from '../../../src/formats/onnx/element-type.ts';
import {
  elementTypeOf,
  foldConstants,
  graphOf,
  initializerMap,
  inputsOf,
  isQat,
  makeModel,
  makeValueInfo,
  opsetOf,
  outputsOf,
  parameterCount,
  shapeOf,
} from '../../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../../src/formats/onnx/model.ts';
import { floatOf, intOf, intsOf, makeNode, stringOf } from '../../../src/formats/onnx/node.ts';
import { floatsOf, integersOf, tensorFromFloats, tensorFromInt8s } from '../../../src/formats/onnx/tensor.ts';
import { realModel, smallModel } from './models.ts';

test('inputs are the graph inputs without an initializer', (t) => {
  const model = smallModel();
  graphOf(model).input.push(makeValueInfo('weight', elementType.float32, [2, 3, 3, 3]));
  t.deepEqual(
    inputsOf(graphOf(model)).map(({ name }) => name),
    ['input_1'],
  );
  t.deepEqual(
    outputsOf(graphOf(model)).map(({ name }) => name),
    ['flat'],
  );
});
test('a shape has fixed, named and unknown sizes', (t) => {
  t.deepEqual(shapeOf(makeValueInfo('x', 1, ['N', 3, undefined])), ['N', 3, undefined]);
  t.deepEqual(shapeOf(makeValueInfo('scalar', 1, [])), []);
  t.is(shapeOf(makeValueInfo('unknown', 1, undefined)), undefined);
  t.is(elementTypeOf(makeValueInfo('x', elementType.int64, [])), elementType.int64);
  t.is(elementTypeName(elementType.float16), 'float16');
  t.is(elementTypeName(23), 'type 23');
});
test('the opset is that of the default domain', (t) => {
  const model = smallModel();
  model.opsetImport.unshift({ ...model.opsetImport[0]!, domain: 'ai.onnx.ml', version: 3n });
  t.is(opsetOf(model), 13);
});
test('parameters are weights, not shapes', (t) => {
  t.is(parameterCount(smallModel()), 54 + 2);
});
test('folding turns Constant nodes into initializers and does not modify its argument', (t) => {
  const graph = graphOf(smallModel());
  const folded = foldConstants(graph);
  t.deepEqual(
    folded.node.map(({ opType }) => opType),
    ['Conv', 'Relu', 'Reshape'],
  );
  t.deepEqual(integersOf(initializerMap(folded).get('shape')!), [-1, 72]);
  t.is(graph.node.length, 4);
  t.is(graph.initializer.length, 2);
});
test('folding keeps the weight count, and the model can be serialized', (t) => {
  const model = parseModel(realModel('ch_ppocr_mobile_v2.0_cls_infer.onnx'));
  const before = parameterCount(model);
  model.graph = foldConstants(graphOf(model));
  t.is(parameterCount(model), before);
  const back = parseModel(serializeModel(model));
  t.false(graphOf(back).node.some(({ opType }) => opType === 'Constant'));
  t.is(graphOf(back).initializer.length, graphOf(model).initializer.length);
});

const constants = test.macro(
  async (t, attributes: Parameters<typeof makeNode>[1]['attributes'], expected: number[]) => {
    const node = makeNode('Constant', { inputs: [], outputs: ['c'], attributes: attributes ?? {} });
    const model = makeModel({
      name: 'g',
      opset: 13,
      inputs: [],
      outputs: [makeValueInfo('c', 1, undefined)],
      nodes: [node],
    });
    t.deepEqual([...floatsOf(foldConstants(graphOf(model)).initializer[0]!)], expected);
  },
);
test('folds value_float', constants, { value_float: { float: 0.5 } }, [0.5]);
test('folds value_floats', constants, { value_floats: { floats: [1, 2] } }, [1, 2]);
test('folds value_int', constants, { value_int: { int: 7 } }, [7]);
test('folds value_ints', constants, { value_ints: { ints: [7, -8] } }, [7, -8]);

test('a graph with QuantizeLinear is QAT', (t) => {
  t.false(isQat(smallModel()));
  const model = smallModel();
  graphOf(model).initializer.push(
    tensorFromFloats('s', [], Float32Array.of(0.1)),
    tensorFromInt8s('z', [], Int8Array.of(0)),
  );
  graphOf(model).node.unshift(makeNode('QuantizeLinear', { inputs: ['input_1', 's', 'z'], outputs: ['q'] }));
  t.true(isQat(model));
});
test("a missing attribute has the operator's default", (t) => {
  const node = makeNode('Conv', {
    inputs: ['x', 'w'],
    outputs: ['y'],
    attributes: {
      group: { int: 4 },
      pads: { ints: [1, 1] },
      alpha: { float: 0.5 },
      auto_pad: { string: 'SAME_UPPER' },
    },
  });
  t.is(intOf(node, 'group', 1), 4);
  t.is(intOf(node, 'absent', 1), 1);
  t.deepEqual(intsOf(node, 'pads'), [1, 1]);
  t.is(intsOf(node, 'strides'), undefined);
  t.is(floatOf(node, 'alpha', 1), 0.5);
  t.is(stringOf(node, 'auto_pad', 'NOTSET'), 'SAME_UPPER');
  t.is(stringOf(node, 'absent', 'NOTSET'), 'NOTSET');
});
