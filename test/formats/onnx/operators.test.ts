/** The table of what ONNX's operators take for floats, held to onnx's own schemas. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { operatorTypes, takesHalf } from '../../../src/formats/onnx/operator-types.ts';
import { operatorsFile, operatorsSource } from '../../peers/operator-table.ts';

test('the table says what the schemas of onnx say', async (t) => {
  t.is(readFileSync(operatorsFile, 'utf8'), await operatorsSource());
});

test('the version of an operator set is the last one that came with it or before', (t) => {
  t.is(operatorTypes('Relu', 13)?.since, 13);
  t.is(operatorTypes('Relu', 12)?.since, 6);
  t.is(operatorTypes('Gelu', 19), undefined);
  t.is(operatorTypes('NMSDynamic_TRT', 13), undefined);
});

test('half floats are known for each parameter', (t) => {
  const resize = operatorTypes('Resize', 13)!;
  t.deepEqual(
    [0, 1, 2, 3].map((i) => takesHalf(resize.input(i))),
    [true, true, false, false],
  );
  t.deepEqual(
    [11, 14].map((opset) => takesHalf(operatorTypes('CumSum', opset)!.input(0))),
    [false, true],
  );
  t.is(operatorTypes('Concat', 13)!.input(5), operatorTypes('Concat', 13)!.output(0));
  t.true(operatorTypes('SplitToSequence', 13)!.hasSequences);
  t.false(operatorTypes('Identity', 16)!.hasSequences);
});
