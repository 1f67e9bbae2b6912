/** Outputs of segments in one block of memory: no tensor is overwritten while it is needed, and values equal those of copies. */
import test from 'ava';
import fc from 'fast-check';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import { makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { placeOutputs } from '../../src/graph/inference/output-places.ts';
import { packSegment } from '../../src/graph/inference/packed-segment.ts';
import { SegmentRunner } from '../../src/graph/inference/segment-runner.ts';
import type { Segment, TensorFacts } from '../../src/graph/inference/segments.ts';

const model = makeModel({ name: 'empty', opset: 13, inputs: [], outputs: [], nodes: [] });
const fact = (floats: number, elemType: number = elementType.float32): TensorFacts => ({
  elemType,
  dims: [floats],
  bytes: 4 * floats,
});

/** Segment i writes tensors of these sizes; each is read by a later segment, or by none. */
const writtenBySegments = fc.array(
  fc.array(fc.record({ floats: fc.integer({ min: 1, max: 60 }), readAfter: fc.nat(4) }), { maxLength: 4 }),
  { minLength: 1, maxLength: 12 },
);

test('tensors that are needed at the same time have separate places inside the block, on multiples of 64 bytes', (t) => {
  fc.assert(
    fc.property(writtenBySegments, (written) => {
      const tensors = written.flatMap((sizes, i) =>
        sizes.map(({ floats, readAfter }, k) => ({
          name: `${i}.${k}`,
          floats,
          from: i,
          until: i + readAfter < written.length ? i + readAfter : i,
        })),
      );
      const segments: Segment[] = written.map((_, i) => ({
        model,
        inputs: tensors.filter(({ from, until }) => until === i && from < i).map(({ name }) => name),
        outputs: tensors.filter(({ from }) => from === i).map(({ name }) => name),
      }));
      const facts = new Map(tensors.map(({ name, floats }) => [name, fact(floats)]));
      const { places, bytes } = placeOutputs(segments, facts);
      const endOf = ({ name, floats }: (typeof tensors)[number]) => places.get(name)!.offset + 4 * floats;
      for (const one of tensors) {
        const { offset } = places.get(one.name)!;
        t.is(offset % 64, 0);
        t.true(endOf(one) <= bytes);
        for (const other of tensors) {
          const together = one !== other && one.from <= other.until && other.from <= one.until;
          t.false(together && offset < endOf(other) && places.get(other.name)!.offset < endOf(one));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('places are used again, and a segment with an integer, a dynamic or a huge output has none', (t) => {
  const writing = (...outputs: string[]): Segment => ({ model, inputs: [], outputs });
  const facts = new Map([
    ['a', fact(100)],
    ['b', fact(50)],
    ['integers', fact(10, elementType.int64)],
    ['dynamic', { elemType: elementType.float32, dims: ['N'], bytes: undefined }],
    ['huge', fact(2 ** 29 + 1)],
  ]);
  t.deepEqual(placeOutputs([writing('a'), writing('b')], facts), {
    places: new Map([
      ['a', { offset: 0, dims: [100] }],
      ['b', { offset: 0, dims: [50] }],
    ]),
    bytes: 400,
  });
  for (const other of ['integers', 'dynamic', 'huge'])
    t.deepEqual(placeOutputs([writing('a', other)], facts), { places: new Map(), bytes: 0 });
});

const floats = elementType.float32;
const squared = (opset: number): Segment => ({
  model: makeModel({
    name: 'squared',
    opset,
    inputs: [makeValueInfo('x', floats, [2, 3])],
    outputs: ['y', 'z'].map((name) => makeValueInfo(name, floats, [2, 3])),
    nodes: [
      makeNode('Mul', { inputs: ['x', 'x'], outputs: ['y'] }),
      makeNode('Add', { inputs: ['x', 'y'], outputs: ['z'] }),
    ],
  }),
  inputs: ['x'],
  outputs: ['y', 'z'],
});
const input = () => ({ data: Float32Array.of(1, -2, 3, -4, 5, -6), dims: [2, 3] });

for (const opset of [7, 13])
  test(`placed outputs are in the block after a run, with opset ${opset}, and are the values of copies`, async (t) => {
    const segments = [squared(opset)];
    const block = new Uint8Array(1024);
    const visited = async (places: Parameters<typeof packSegment>[2]) => {
      const runner = new SegmentRunner(block);
      await runner.open(packSegment(segments, 0, places));
      const values = new Map<string, Float32Array>();
      await runner.run('x', input(), (name, data) => values.set(name, data.slice()));
      await runner.close();
      return values;
    };
    const copied = await visited(new Map());
    t.deepEqual([...copied.get('z')!], [2, 2, 12, 12, 30, 30]);
    t.true(block.every((byte) => byte === 0));
    const places = new Map([
      ['y', { offset: 64, dims: [2, 3] }],
      ['z', { offset: 512, dims: [2, 3] }],
    ]);
    t.deepEqual(await visited(places), copied);
    for (const [name, { offset }] of places)
      t.deepEqual(new Float32Array(block.buffer, offset, 6), copied.get(name));
  });

test('a run that fails has a reason, with placed outputs, too', async (t) => {
  const runner = new SegmentRunner(new Uint8Array(1024));
  const places = new Map(['y', 'z'].map((name) => [name, { offset: 0, dims: [3, 2] }]));
  await runner.open(packSegment([squared(13)], 0, places));
  await t.throwsAsync(
    runner.run('x', input(), () => {}),
    { message: /^Running the model in ONNX Runtime: Got invalid dimensions for output: y/ },
  );
  await runner.close();
});
