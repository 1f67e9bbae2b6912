/** Graphs in float16, verified by onnx's checker and compared with the float graphs in onnxruntime. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf, graphsOf, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { floatsOf, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';
import { convertToHalf } from '../../src/graph/precision/half.ts';
import { toNormalForm } from '../../src/graph/transforms/normal-form.ts';
import { withFunctions } from '../builders/exporter-forms.ts';
import { bodyOf, classifierWith, type Network } from '../builders/networks.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { compareModels } from '../peers/compared-models.ts';
import { nodeCases } from '../peers/node-cases.ts';

const { float32, float16, int64, bool } = elementType;

const largest = 3.4028234663852886e38;

const whole = (network: Network, value: number): string =>
  network.tensor(tensorFromInt64s(network.name('n'), [], [value]));

/** One dimension of a tensor as a float, the way exporters compute sizes. */
const sizeOf = (network: Network, from: string, axis: number): string => {
  const size = network.node('Gather', [network.node('Shape', [from]), whole(network, axis)]);
  return network.node('Cast', [size], { to: { int: float32 } });
};

const computedScales = (network: Network, from: string, factor: number): string => {
  const [height, width] = [sizeOf(network, from, 2), sizeOf(network, from, 3)];
  const wanted = network.node('Mul', [height, network.scalar(factor)]);
  const ratio = network.node('Div', [network.node('Floor', [wanted]), height]);
  const ones = network.floats([2], [1, 1]);
  const axes = network.integers(0);
  const [tall, wide] = [
    network.node('Unsqueeze', [ratio, axes]),
    network.node('Unsqueeze', [network.node('Div', [width, width]), axes]),
  ];
  return network.node('Concat', [ones, tall, wide], { axis: { int: 0 } });
};

const branches = (network: Network, from: string): string => {
  const branch = (name: string, value: number) => ({
    graph: bodyOf(name, [], (body) => [body.node('Mul', [from, body.scalar(value)])]),
  });
  const isLarge = network.node('Greater', [sizeOf(network, from, 2), network.scalar(8)]);
  return network.node('If', [isLarge], { then_branch: branch('then', 0.5), else_branch: branch('else', 2) });
};

/** One branch returns a constant, the other a Constant node's value added to an outer tensor. */
const constantBranch = (network: Network, from: string): string => {
  const isLarge = network.node('Greater', [
    network.node('ReduceMax', [from], { keepdims: { int: 0 } }),
    network.scalar(0),
  ]);
  const added = bodyOf('then', [], (body) => [body.node('Add', [from, body.scalar(1)])]);
  const fixed = bodyOf('else', [], (body) => [body.node('Identity', [body.weight([1, 16, 16, 16])])]);
  return network.node('If', [isLarge], { then_branch: { graph: added }, else_branch: { graph: fixed } });
};

/** Carries the image, and a float counter to 3,000, beyond the consecutive integers of float16. */
const loop = (network: Network, from: string): string => {
  const inputs = [
    makeValueInfo('turn', int64, []),
    makeValueInfo('more', bool, []),
    makeValueInfo('state', float32, undefined),
    makeValueInfo('count', float32, []),
  ];
  const body = bodyOf('body', inputs, (inner) => {
    const next = inner.node('Add', ['count', inner.scalar(1)]);
    const goesOn = inner.node('Less', [next, inner.scalar(3000)]);
    const image = inner.node('Max', ['state', inner.scalar(0.001)]);
    const mean = inner.node('ReduceMean', [image], { keepdims: { int: 0 } });
    return [goesOn, image, next, mean];
  });
  const [state, count, means] = ['looped', 'counted', 'means'];
  const yes = network.node('Greater', [network.scalar(1), network.scalar(0)]);
  network.node('Loop', ['', yes, from, network.scalar(0)], { body: { graph: body } }, [state, count, means]);
  const turns = network.node('Div', [count, network.scalar(3000)]);
  const mean = network.node('ReduceMean', [means], { keepdims: { int: 0 } });
  return network.node('Add', [network.node('Mul', [state, turns]), mean]);
};

const scan = (network: Network, from: string): string => {
  const inputs = [makeValueInfo('sum', float32, undefined), makeValueInfo('row', float32, undefined)];
  const body = bodyOf('step', inputs, (inner) => {
    const sum = inner.node('Add', ['sum', inner.node('Mul', ['row', inner.scalar(0.1)])]);
    return [sum, inner.node('Identity', [sum])];
  });
  const rows = network.node('Transpose', [from], { perm: { ints: [2, 0, 1, 3] } });
  const start = network.node('ReduceMean', [from], { axes: { ints: [2] }, keepdims: { int: 0 } });
  network.node('Scan', [start, rows], { body: { graph: body }, num_scan_inputs: { int: 1 } }, [
    'last',
    'all',
  ]);
  return network.node('Transpose', ['all'], { perm: { ints: [1, 2, 0, 3] } });
};

const sequence = (network: Network, from: string): string => {
  const parts = network.node('SplitToSequence', [from, whole(network, 8)], { axis: { int: 1 } });
  const [first, second] = [0, 1].map((i) => network.node('SequenceAt', [parts, whole(network, i)]));
  return network.node('Concat', [network.node('Relu', [second!]), first!], { axis: { int: 1 } });
};

const boxes = (network: Network, from: string): string => {
  const scores = network.node('Reshape', [from, network.integers(0, 1, -1)]);
  const four = network.node('Reshape', [
    network.node('Slice', [scores, network.integers(0), network.integers(4096), network.integers(2)]),
    network.integers(0, -1, 4),
  ]);
  const some = network.node('Slice', [
    scores,
    network.integers(0),
    network.integers(1024),
    network.integers(2),
  ]);
  const chosen = network.node('NonMaxSuppression', [
    ...[four, some, network.integers(3), network.floats([1], [0.5]), network.floats([1], [-10])],
  ]);
  const count = network.node('Cast', [network.node('Shape', [chosen])], { to: { int: float32 } });
  const scale = network.node('ReduceMax', [count], { keepdims: { int: 0 } });
  return network.node('Div', [from, scale]);
};

const networks: Readonly<Record<string, (network: Network, from: string) => string>> = {
  'a Resize with computed scales': (network, from) =>
    network.node('Resize', [from, '', computedScales(network, from, 2.07)], { mode: { string: 'nearest' } }),
  'an If whose branches have constants': branches,
  'an If that returns a constant': constantBranch,
  'a Loop': loop,
  'a Scan': scan,
  'a sequence': sequence,
  'a NonMaxSuppression': boxes,
  'a Range over floats': (network, from) => {
    const width = sizeOf(network, from, 3);
    const places = network.node('Range', [network.scalar(0), width, network.scalar(1)]);
    return network.node('Add', [from, network.node('Div', [places, width])]);
  },
  'a CumSum of operator set 11': (network, from) =>
    network.node('CumSum', [network.node('Mul', [from, network.scalar(0.01)]), whole(network, 3)]),
  'a ConstantOfShape': (network, from) =>
    network.node('Add', [from, network.node('ConstantOfShape', [network.node('Shape', [from])])]),
  'an EyeLike': (network, from) => {
    const square = network.node('ReduceMean', [from], { axes: { ints: [0, 1] }, keepdims: { int: 0 } });
    return network.node('Add', [from, network.node('EyeLike', [square], { dtype: { int: float32 } })]);
  },
  'an IsInf': (network, from) =>
    network.node('Where', [network.node('IsInf', [from]), network.scalar(0), from]),
  'a mask of minus infinity': (network, from) => {
    const hidden = network.scalar(Number.NEGATIVE_INFINITY);
    const isHidden = network.node('Greater', [from, network.scalar(0.5)]);
    return network.node('Softmax', [network.node('Where', [isHidden, hidden, from])], { axis: { int: 1 } });
  },
  "a mask of float32's lowest": (network, from) => {
    const isHidden = network.node('Greater', [from, network.scalar(0.5)]);
    const masked = network.node('Where', [isHidden, network.scalar(-largest), from]);
    return network.node('Softmax', [masked], { axis: { int: 1 } });
  },
  'a Clip without a maximum': (network, from) =>
    network.node('Clip', [from, network.scalar(0.1), network.scalar(largest)]),
  'a Clip far beyond float16': (network, from) =>
    network.node('Clip', [from, network.scalar(-1e6), network.scalar(1e9)]),
  'a division by the length of a vector, bounded from zero': (network, from) => {
    const zero = network.node('Mul', [from, network.scalar(0)]);
    const length = network.node('ReduceL2', [zero], { axes: { ints: [1] } });
    return network.node('Add', [
      from,
      network.node('Div', [zero, network.node('Max', [length, network.scalar(1e-12)])]),
    ]);
  },
  'an LSTM with absent outputs': (network, from) => {
    const rows = network.node('ReduceMean', [from], { axes: { ints: [2] }, keepdims: { int: 0 } });
    const steps = network.node('Transpose', [rows], { perm: { ints: [2, 0, 1] } });
    const [w, r] = [network.weight([1, 64, 16], 0.2), network.weight([1, 64, 16], 0.2)];
    const state = network.name('state');
    network.node('LSTM', [steps, w, r], { hidden_size: { int: 16 } }, ['', state]);
    const last = network.node('Squeeze', [state, network.integers(0)]);
    return network.node('Unsqueeze', [last, network.integers(2, 3)]);
  },
};

test('unusual networks in fp16 pass the checker and agree with fp32', async (t) => {
  const made = Object.entries(networks).map(([name, build]) => [name, classifierWith(build)] as const);
  const all = [
    ...made,
    ['functions', toNormalForm(withFunctions(classifierWith((_, from) => from))).model] as const,
  ];
  const compared = await compareModels(
    all.map(([, reference]) => ({ reference, model: convertToHalf(reference) })),
  );
  for (const [i, { sqnr, error }] of compared.entries()) {
    t.is(error, undefined, all[i]![0]);
    t.true(
      sqnr!.every((each) => each !== null && each > 50),
      `${all[i]![0]}: ${sqnr} dB`,
    );
  }
});

test('tensors of bodies become half, and counters do not', (t) => {
  const bodies = ([, ...inner]: readonly ReturnType<typeof graphOf>[]) => inner;
  const [then] = bodies([...graphsOf(graphOf(convertToHalf(classifierWith(branches))))]);
  t.deepEqual(
    then!.initializer.map(({ dataType }) => dataType),
    [float16],
  );
  const [body] = bodies([...graphsOf(graphOf(convertToHalf(classifierWith(loop))))]);
  t.deepEqual(
    body!.input.map(({ type }) => type?.value.case === 'tensorType' && type.value.value.elemType),
    [int64, bool, float16, float32],
  );
});

test("onnx's own test cases of operators run in fp16 wherever onnxruntime runs them in fp32", async (t) => {
  const cases = await nodeCases();
  const compared = await compareModels(
    cases.map(({ model, inputs }) => ({
      reference: model,
      model: convertToHalf(toNormalForm(model).model),
      inputs,
    })),
  );
  const run = compared.flatMap((each, i) =>
    each.by === 'onnxruntime' ? [{ ...each, name: cases[i]!.name }] : [],
  );
  t.true(run.length > 1000, `${run.length} of ${cases.length}`);
  const wrong = run.filter(
    ({ sqnr, error }) => error !== undefined || sqnr!.some((each) => each !== null && each < 55),
  );
  t.deepEqual(
    wrong.filter(({ name }) => !handsOutLowest.has(name)),
    [],
  );
});

/** The kernel fills masked values with the lowest number of its type, and returns them. */
const handsOutLowest: ReadonlySet<string> = new Set([
  'test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal',
  'test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal',
]);

test('a constant outside the range of float16 is reported with its value and its reader', (t) => {
  const model = classifierWith((network, from) =>
    network.node('Add', [from, network.scalar(-1e9)], {}, ['far']),
  );
  const error = t.throws(() => convertToHalf(model), {
    message: /constant c_\d+ that far reads holds -1000000000, but the/,
  });
  t.is((error as { reason?: string }).reason, 'EngineUnsupported');
});

test('a shared constant is a bound for Clip and a number for others', (t) => {
  const shared = (network: Network, from: string, use: 'Clip' | 'Both'): string => {
    const bound = network.scalar(1e6);
    const clipped = network.node('Clip', [from, '', bound]);
    return use === 'Clip' ? clipped : network.node('Mul', [clipped, bound]);
  };
  const model = convertToHalf(classifierWith((network, from) => shared(network, from, 'Clip')));
  const clip = graphOf(model).node.find(({ opType }) => opType === 'Clip')!;
  const bound = graphOf(model).initializer.find(({ name }) => name === clip.input[2])!;
  t.deepEqual([...floatsOf(bound)], [65504]);
  t.throws(() => convertToHalf(classifierWith((network, from) => shared(network, from, 'Both'))), {
    message: /1000000/,
  });
});

const fp16Export = async (model: ModelProto) => {
  const cwd = aFolder();
  writeFileSync(join(cwd, 'model.onnx'), serializeModel(model));
  const args = ['classification', '-m', 'model.onnx', '--key_file', 'key.txt', '--data_type', 'fp16'];
  return runTool('tlt-export', [...args, '--engine_file', 'engine.onnx'], { cwd });
};

test('fp16 engines are built from these networks', async (t) => {
  for (const name of Object.keys(networks)) {
    const { code, stderr } = await fp16Export(classifierWith(networks[name]!));
    t.is(code, 0, `${name}: ${stderr}`);
  }
});
