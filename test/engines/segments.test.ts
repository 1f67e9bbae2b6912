/** Division of a graph into segments for calibration: memory is bounded, and no tensor is lost at a cut. */
import test from 'ava';
import fc from 'fast-check';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import { graphOf, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { type Segment, splitIntoSegments, type TensorFacts } from '../../src/graph/inference/segments.ts';

/** Node i writes t(i+1) of the given size from one or two earlier tensors. */
const nodes = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 50 }), back: fc.nat(3), other: fc.option(fc.nat(6)) }),
  { minLength: 1, maxLength: 40 },
);

type Node = { readonly bytes: number; readonly back: number; readonly other: number | null };

const cut = (shape: readonly Node[], limit: number) => {
  const earlier = (i: number, back: number) => `t${Math.max(0, i - back)}`;
  const model = makeModel({
    name: 'chain',
    opset: 13,
    inputs: [makeValueInfo('t0', 1, [1])],
    outputs: [makeValueInfo(`t${shape.length}`, 1, [1])],
    initializers: [],
    nodes: shape.map(({ back, other }, i) => {
      const inputs = [earlier(i, back), ...(other === null ? [] : [earlier(i, other)])];
      return makeNode('Sum', { inputs, outputs: [`t${i + 1}`] });
    }),
  });
  const fact = (bytes: number): TensorFacts => ({ elemType: elementType.float32, dims: [bytes], bytes });
  const facts = new Map([
    ['t0', fact(1)],
    ...shape.map(({ bytes }, i) => [`t${i + 1}`, fact(bytes)] as const),
  ]);
  const measured = new Set(shape.map((_, i) => `t${i + 1}`));
  return { segments: splitIntoSegments(model, { facts, measured, limit }), facts, measured };
};

const written = ({ model }: Segment): readonly string[] =>
  graphOf(model).node.flatMap(({ output }) => output);

test('segments contain every node once, in order, pass tensors to later segments, and measure every tensor', (t) => {
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 200 }), (shape, limit) => {
      const { segments, measured } = cut(shape, limit);
      t.deepEqual(segments.flatMap(written), [...measured]);
      const there = new Set(['t0']);
      for (const { model, inputs, outputs } of segments) {
        t.true(inputs.every((name) => there.has(name)));
        const own = new Set(written({ model, inputs, outputs }));
        const read = graphOf(model).node.flatMap(({ input }) => input);
        t.true(read.every((name) => own.has(name) || inputs.includes(name)));
        for (const name of outputs) there.add(name);
      }
      t.deepEqual([...there].sort(), ['t0', ...measured].sort());
    }),
    { numRuns: 60 },
  );
});

test('no segment exceeds the limit, except a single node that does', (t) => {
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 200 }), (shape, limit) => {
      const { segments, facts } = cut(shape, limit);
      return segments.every((segment) => {
        const names = written(segment);
        const held = names.reduce((sum, name) => sum + facts.get(name)!.bytes!, 0);
        return held <= limit || names.length === 1;
      });
    }),
  );
  t.pass();
});

test('no cut crosses the lifetime of a sequence, and a cut next to it is found', (t) => {
  const info = (name: string) => makeValueInfo(name, 1, [1]);
  const node = (opType: string, input: string, output: string) =>
    makeNode(opType, { inputs: [input], outputs: [output] });
  const model = makeModel({
    name: 'parts',
    opset: 13,
    inputs: [info('t0')],
    outputs: [info('t5')],
    nodes: [
      node('Relu', 't0', 't1'),
      node('Relu', 't1', 't2'),
      node('SequenceConstruct', 't2', 'parts'),
      node('Relu', 't2', 't3'),
      node('Relu', 't3', 't4'),
      node('SequenceLength', 'parts', 'length'),
      node('Relu', 't4', 't5'),
    ],
  });
  const names = ['t0', 't1', 't2', 't3', 't4', 't5', 'length'];
  const fact: TensorFacts = { elemType: elementType.float32, dims: [10], bytes: 10 };
  const facts = new Map(names.map((name) => [name, fact]));
  const segments = splitIntoSegments(model, { facts, measured: new Set(names), limit: 15 });
  const [whole] = segments.filter((segment) => written(segment).includes('parts'));
  t.true(written(whole!).includes('length'));
  t.true(segments.length > 2);
  t.true(segments.every(({ outputs }) => !outputs.includes('parts')));
});
