/** How a graph is cut for calibration: memory stays bounded, and nothing is lost at a cut. */
import test from 'ava';
import fc from 'fast-check';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import { graphOf, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { type Segment, segmentsOf, type TensorFacts } from '../../src/graph/inference/segments.ts';

/** Node i writes t(i+1) of so many bytes from one or two earlier tensors. */
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
  return { segments: segmentsOf(model, { facts, measured, limit }), facts, measured };
};

const written = ({ model }: Segment): readonly string[] =>
  graphOf(model).node.flatMap(({ output }) => output);

test('segments hold every node once, in order, hand on what later ones read, and measure everything', (t) => {
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

test('no segment holds more than the limit, but for one node that alone does', (t) => {
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
