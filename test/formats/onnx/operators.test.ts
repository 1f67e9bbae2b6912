/** The table of operator types, compared with onnx's schemas. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { acceptsHalf, findOperatorTypes } from '../../../src/formats/onnx/operator-types.ts';
import { operatorsFile, operatorsSource } from '../../peers/operator-table.ts';

test('the table equals the schemas of onnx', async (t) => {
  t.is(readFileSync(operatorsFile, 'utf8'), await operatorsSource());
});

test('an opset has the last version of an operator that was introduced by then', (t) => {
  t.is(findOperatorTypes('Relu', 13)?.since, 13);
  t.is(findOperatorTypes('Relu', 12)?.since, 6);
  t.is(findOperatorTypes('Gelu', 19), undefined);
  t.is(findOperatorTypes('NMSDynamic_TRT', 13), undefined);
});

test('each parameter is known to accept float16 or not', (t) => {
  const resize = findOperatorTypes('Resize', 13)!;
  t.deepEqual(
    [0, 1, 2, 3].map((i) => acceptsHalf(resize.input(i))),
    [true, true, false, false],
  );
  t.deepEqual(
    [11, 14].map((opset) => acceptsHalf(findOperatorTypes('CumSum', opset)!.input(0))),
    [false, true],
  );
  t.is(findOperatorTypes('Concat', 13)!.input(5), findOperatorTypes('Concat', 13)!.output(0));
  t.true(findOperatorTypes('SplitToSequence', 13)!.hasSequences);
  t.false(findOperatorTypes('Identity', 16)!.hasSequences);
});
