/**
 * Operators and structures of generated networks, each between a stem and a head: [N,16,16,16] in, 16 channels out.
 * Where exporters write a structure in several ways, all are included.
 */
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { makeUntypedValueInfo, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { type Attributes, bodyOf, channels, type Network, side } from '../builders/networks.ts';

export type Structure = {
  readonly build: (network: Network, from: string) => string;
  readonly opset?: number;
};

const kernel = [channels, channels, 3, 3];
const ones = (count: number) => Array<number>(count).fill(1);
const same = { pads: { ints: [1, 1, 1, 1] } } as const;

const unary = (opType: string, attributes: Attributes = {}): Structure => ({
  build: (n, x) => n.node(opType, [x], attributes),
});
const withScalar = (opType: string, value: number): Structure => ({
  build: (n, x) => n.node(opType, [x, n.scalar(value)]),
});
const weighted = (weight: (n: Network) => string): Structure => ({
  build: (n, x) => n.node('Relu', [n.conv(x, weight(n))]),
});
const pooled = (n: Network, x: string): string => n.node('Flatten', [n.node('GlobalAveragePool', [x])]);
/** Reshapes [N,16] to 16 channels. */
const asImage = (n: Network, flat: string): string =>
  n.node('Reshape', [flat, n.integers(-1, channels, 1, 1)]);
const scalarOf = (n: Network, condition: string): string => n.node('Squeeze', [condition]);
const isTrue = (n: Network): string => scalarOf(n, n.node('Equal', [n.integers(1), n.integers(1)]));
const heightAbove = (n: Network, x: string, limit: number): string =>
  scalarOf(
    n,
    n.node('Greater', [n.node('Gather', [n.node('Shape', [x]), n.integers(2)]), n.integers(limit)]),
  );
const branches = (n: Network, condition: string, then: Body, otherwise: Body): string =>
  n.node('If', [condition], {
    then_branch: { graph: bodyOf(n.name('then'), [], (body) => [then(body)]) },
    else_branch: { graph: bodyOf(n.name('else'), [], (body) => [otherwise(body)]) },
  });
type Body = (body: Network) => string;

/** Three rounds of `step`, which reads and returns a tensor of the loop. */
const loop = (n: Network, x: string, step: (body: Network, carried: string) => string): string => {
  const name = n.name('loop');
  const [round, going, carried] = [`${name}/round`, `${name}/going`, `${name}/carried`];
  const inputs = [
    makeValueInfo(round, elementType.int64, []),
    makeValueInfo(going, elementType.bool, []),
    makeUntypedValueInfo(carried),
  ];
  inputs[2] = makeValueInfo(carried, elementType.float32, undefined);
  const body = bodyOf(name, inputs, (inner) => [inner.node('Identity', [going]), step(inner, carried)]);
  const rounds = n.node('Squeeze', [n.integers(3)]);
  return n.node('Loop', [rounds, isTrue(n), x], { body: { graph: body } });
};

const recurrent = (opType: string, gates: number): Structure => ({
  build: (n, x) => {
    const rows = n.node('Reshape', [x, n.integers(0, channels, side * side)]);
    const sequence = n.node('Transpose', [rows], { perm: { ints: [2, 0, 1] } });
    const weights = [
      n.weight([1, gates * channels, channels], 0.2),
      n.weight([1, gates * channels, channels], 0.2),
    ];
    const last = n.name('last');
    const outputs = opType === 'LSTM' ? ['', last, ''] : ['', last];
    n.node(opType, [sequence, ...weights], { hidden_size: { int: channels } }, outputs);
    return asImage(n, n.node('Reshape', [last, n.integers(-1, channels)]));
  },
});

/** Reshapes pixels to tokens: [N,256,16]. */
const tokens = (n: Network, x: string): string =>
  n.node('Transpose', [n.node('Reshape', [x, n.integers(0, channels, -1)])], { perm: { ints: [0, 2, 1] } });
const untokened = (n: Network, x: string): string =>
  n.node('Reshape', [
    n.node('Transpose', [x], { perm: { ints: [0, 2, 1] } }),
    n.integers(0, channels, side, side),
  ]);

const attention = (n: Network, x: string, mask?: (scores: string) => string): string => {
  const rows = tokens(n, x);
  const [q, k, v] = [1, 2, 3].map(() => n.node('MatMul', [rows, n.weight([channels, channels], 0.2)]));
  const scores = n.node('MatMul', [q!, n.node('Transpose', [k!], { perm: { ints: [0, 2, 1] } })]);
  const scaled = n.node('Mul', [mask ? mask(scores) : scores, n.scalar(0.25)]);
  const weights = n.node('Softmax', [scaled], { axis: { int: -1 } });
  return untokened(n, n.node('Add', [rows, n.node('MatMul', [weights, v!])]));
};

const batchNorm = (n: Network, x: string, attributes: Attributes = {}, outputs?: string[]): string =>
  n.node(
    'BatchNormalization',
    [
      x,
      n.floats([channels], ones(channels)),
      n.weight([channels], 0.1),
      n.weight([channels], 0.1),
      n.floats([channels], ones(channels)),
    ],
    attributes,
    outputs,
  );

const arithmetic: Readonly<Record<string, Structure>> = {
  Abs: unary('Abs'),
  AddScalar: withScalar('Add', 0.5),
  Celu: unary('Celu'),
  Clip: { build: (n, x) => n.node('Clip', [x, n.scalar(0), n.scalar(6)]) },
  ClipAbove: { build: (n, x) => n.node('Clip', [x, '', n.scalar(6)]) },
  Cos: unary('Cos'),
  Div: withScalar('Div', 3),
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: { build: (n, x) => n.node('Exp', [n.node('Neg', [x])]) },
  Floor: unary('Floor'),
  Gelu: { build: (n, x) => n.node('Gelu', [x]), opset: 20 },
  HardSigmoid: unary('HardSigmoid'),
  HardSwish: { build: (n, x) => n.node('HardSwish', [x]), opset: 14 },
  LeakyRelu: unary('LeakyRelu', { alpha: { float: 0.1 } }),
  Log: { build: (n, x) => n.node('Log', [n.node('Add', [x, n.scalar(1)])]) },
  MaxOfTwo: { build: (n, x) => n.node('Max', [x, n.node('Neg', [x])]) },
  MinScalar: withScalar('Min', 2),
  Mish: { build: (n, x) => n.node('Mul', [x, n.node('Tanh', [n.node('Softplus', [x])])]) },
  Mod: { build: (n, x) => n.node('Mod', [x, n.scalar(1.5)], { fmod: { int: 1 } }) },
  PRelu: {
    build: (n, x) => n.node('PRelu', [n.conv(x), n.floats([channels, 1, 1], Array(channels).fill(0.2))]),
  },
  Pow: withScalar('Pow', 2),
  Reciprocal: { build: (n, x) => n.node('Reciprocal', [n.node('Add', [x, n.scalar(1)])]) },
  Round: unary('Round'),
  Selu: unary('Selu'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Softsign: unary('Softsign'),
  Sqrt: unary('Sqrt'),
  Sub: { build: (n, x) => n.node('Sub', [x, n.conv(x)]) },
  Swish: { build: (n, x) => n.node('Mul', [x, n.node('Sigmoid', [x])]) },
  Tanh: unary('Tanh'),
  ThresholdedRelu: unary('ThresholdedRelu', { alpha: { float: 0.3 } }),
  Where: { build: (n, x) => n.node('Where', [n.node('Greater', [x, n.scalar(0.5)]), x, n.scalar(0.1)]) },
};

const layers: Readonly<Record<string, Structure>> = {
  AveragePool: unary('AveragePool', { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } }),
  BatchNormAlone: { build: (n, x) => batchNorm(n, x) },
  BatchNormFolded: { build: (n, x) => batchNorm(n, n.conv(x)) },
  BatchNormTraining: {
    build: (n, x) =>
      batchNorm(n, n.conv(x), { training_mode: { int: 1 } }, [n.name('bn'), n.name('m'), n.name('v')]),
    opset: 15,
  },
  ConvDepthwise: {
    build: (n, x) => n.conv(x, n.weight([channels, 1, 3, 3]), { group: { int: channels } }),
  },
  ConvDilated: {
    build: (n, x) => n.conv(x, undefined, { dilations: { ints: [2, 2] }, pads: { ints: [2, 2, 2, 2] } }),
  },
  ConvSamePads: {
    build: (n, x) => n.node('Conv', [x, n.weight(kernel)], { auto_pad: { string: 'SAME_UPPER' } }),
  },
  ConvTranspose: {
    build: (n, x) =>
      n.node('ConvTranspose', [x, n.weight([channels, channels, 2, 2])], { strides: { ints: [2, 2] } }),
  },
  DepthToSpace: {
    build: (n, x) =>
      n.node('DepthToSpace', [n.conv(x, n.weight([64, channels, 3, 3]))], { blocksize: { int: 2 } }),
  },
  GemmTransposed: {
    build: (n, x) =>
      asImage(n, n.node('Gemm', [pooled(n, x), n.weight([channels, channels])], { transB: { int: 1 } })),
  },
  GroupNormalization: {
    build: (n, x) =>
      n.node('GroupNormalization', [x, n.floats([channels], ones(channels)), n.weight([channels], 0.1)], {
        num_groups: { int: 4 },
      }),
    opset: 21,
  },
  GRU: recurrent('GRU', 3),
  InstanceNormalization: {
    build: (n, x) =>
      n.node('InstanceNormalization', [x, n.floats([channels], ones(channels)), n.weight([channels], 0.1)]),
  },
  LayerNormalization: {
    build: (n, x) =>
      untokened(
        n,
        n.node('LayerNormalization', [
          tokens(n, x),
          n.floats([channels], ones(channels)),
          n.weight([channels], 0.1),
        ]),
      ),
    opset: 17,
  },
  LRN: unary('LRN', { size: { int: 3 } }),
  LSTM: recurrent('LSTM', 4),
  MatMulThreeDimensions: {
    build: (n, x) => untokened(n, n.node('MatMul', [tokens(n, x), n.weight([1, channels, channels])])),
  },
  MatMulTwoDimensions: {
    build: (n, x) => asImage(n, n.node('MatMul', [pooled(n, x), n.weight([channels, channels])])),
  },
  MaxPool: unary('MaxPool', { kernel_shape: { ints: [3, 3] }, strides: { ints: [2, 2] }, ...same }),
  Residual: { build: (n, x) => n.node('Relu', [n.node('Add', [n.conv(x), x])]) },
  ResizeByScales: {
    build: (n, x) => n.node('Resize', [x, '', n.floats([4], [1, 1, 2, 2])], { mode: { string: 'nearest' } }),
  },
  ResizeComputed: {
    build: (n, x) => {
      const size = n.node('Cast', [n.node('Shape', [x])], { to: { int: elementType.float32 } });
      const doubled = n.node('Mul', [size, n.floats([4], [1, 1, 2, 2])]);
      return n.node('Resize', [x, '', n.node('Div', [doubled, size])], { mode: { string: 'nearest' } });
    },
  },
  SelfAttention: { build: (n, x) => attention(n, x) },
  SpaceToDepth: {
    build: (n, x) =>
      n.conv(n.node('SpaceToDepth', [x], { blocksize: { int: 2 } }), n.weight([channels, 64, 3, 3])),
  },
  SqueezeExcitation: {
    build: (n, x) => {
      const squeezed = n.node('Relu', [
        n.node('Conv', [n.node('GlobalAveragePool', [x]), n.weight([4, channels, 1, 1])]),
      ]);
      return n.node('Mul', [
        x,
        n.node('Sigmoid', [n.node('Conv', [squeezed, n.weight([channels, 4, 1, 1])])]),
      ]);
    },
  },
};

const shapes: Readonly<Record<string, Structure>> = {
  ConcatTwo: {
    build: (n, x) =>
      n.conv(n.node('Concat', [x, n.conv(x)], { axis: { int: 1 } }), n.weight([channels, 32, 3, 3])),
  },
  Expand: {
    build: (n, x) => n.node('Expand', [n.node('GlobalAveragePool', [x]), n.integers(1, channels, 4, 4)]),
  },
  Flip: {
    build: (n, x) => n.node('Slice', [x, n.integers(-1), n.integers(-99), n.integers(3), n.integers(-1)]),
  },
  GatherChannels: {
    build: (n, x) => n.node('Gather', [x, n.integers(...Array(channels).keys())], { axis: { int: 1 } }),
  },
  PadReflect: {
    build: (n, x) => n.node('Pad', [x, n.integers(0, 0, 1, 1, 0, 0, 1, 1)], { mode: { string: 'reflect' } }),
  },
  ReduceMeanOfPixels: {
    build: (n, x) => n.node('ReduceMean', [x], { axes: { ints: [2, 3] }, keepdims: { int: 1 } }),
  },
  ReshapeByShape: {
    build: (n, x) => {
      const batch = n.node('Gather', [n.node('Shape', [x]), n.integers(0)]);
      return n.node('Reshape', [
        x,
        n.node('Concat', [batch, n.integers(channels, -1, 1)], { axis: { int: 0 } }),
      ]);
    },
  },
  Slice: { build: (n, x) => n.node('Slice', [x, n.integers(2, 2), n.integers(14, 14), n.integers(2, 3)]) },
  Split: {
    build: (n, x) => {
      const halves = [n.name('half'), n.name('half')];
      n.node('Split', [x, n.integers(8, 8)], { axis: { int: 1 } }, halves);
      return n.node('Concat', [n.node('Relu', [halves[1]!]), halves[0]!], { axis: { int: 1 } });
    },
  },
  Tile: { build: (n, x) => n.node('Tile', [x, n.integers(1, 1, 2, 1)]) },
  TopK: {
    build: (n, x) => {
      const rows = n.node('Reshape', [x, n.integers(0, channels, -1)]);
      const largest = n.name('largest');
      n.node('TopK', [rows, n.integers(8)], {}, [largest, n.name('places')]);
      return n.node('Unsqueeze', [largest, n.integers(3)]);
    },
  },
  TransposeTwice: {
    build: (n, x) =>
      n.node('Transpose', [n.node('Transpose', [x], { perm: { ints: [0, 2, 3, 1] } })], {
        perm: { ints: [0, 3, 1, 2] },
      }),
  },
};

const values = (n: Network, spread = 20): number[] =>
  Array.from({ length: channels * channels * 9 }, () => Math.round(n.normal() * spread));

const computedWeights: Readonly<Record<string, Structure>> = {
  WeightBehindCast: weighted((n) =>
    n.node('Cast', [n.node('Cast', [n.weight(kernel)], { to: { int: elementType.float16 } })], {
      to: { int: 1 },
    }),
  ),
  WeightBehindConcat: weighted((n) =>
    n.node('Concat', [n.weight([8, channels, 3, 3]), n.weight([8, channels, 3, 3])], { axis: { int: 0 } }),
  ),
  WeightBehindConstantOfShape: weighted((n) =>
    n.node('ConstantOfShape', [n.integers(...kernel)], {
      value: { tensor: tensorFromFloats('', [1], Float32Array.of(0.01)) },
    }),
  ),
  WeightBehindDequantize: weighted((n) =>
    n.node('DequantizeLinear', [n.bytes(kernel, values(n)), n.scalar(0.005)]),
  ),
  WeightBehindIdentity: weighted((n) => n.node('Identity', [n.weight(kernel)])),
  WeightBehindMulOfCast: weighted((n) =>
    n.node('Mul', [n.node('Cast', [n.bytes(kernel, values(n))], { to: { int: 1 } }), n.scalar(0.005)]),
  ),
  WeightBehindTranspose: weighted((n) =>
    n.node('Transpose', [n.weight([3, 3, channels, channels])], { perm: { ints: [3, 2, 0, 1] } }),
  ),
  WeightOfConstantNode: weighted((n) =>
    n.node('Constant', [], {
      value: {
        tensor: tensorFromFloats(
          '',
          kernel,
          Float32Array.from(values(n), (v) => v / 200),
        ),
      },
    }),
  ),
  WeightShared: {
    build: (n, x) => {
      const weight = n.weight(kernel);
      return [1, 2, 3, 4].reduce<string>((tensor) => n.node('Relu', [n.conv(tensor, weight)]), x);
    },
  },
};

const control: Readonly<Record<string, Structure>> = {
  IfByShape: {
    build: (n, x) =>
      branches(
        n,
        heightAbove(n, x, 4),
        (b) => b.node('Relu', [x]),
        (b) => b.node('Neg', [x]),
      ),
  },
  IfReadsOuterConstant: {
    build: (n, x) => {
      const gain = n.scalar(0.5);
      return branches(
        n,
        heightAbove(n, x, 4),
        (b) => b.node('Mul', [x, gain]),
        (b) => b.node('Identity', [x]),
      );
    },
  },
  IfWithConv: {
    build: (n, x) =>
      branches(
        n,
        heightAbove(n, x, 4),
        (b) => b.conv(x),
        (b) => b.node('Identity', [x]),
      ),
  },
  IfInsideIf: {
    build: (n, x) => {
      const condition = heightAbove(n, x, 4);
      const inner = (b: Network): string =>
        branches(
          b,
          condition,
          (c) => c.node('Relu', [x]),
          (c) => c.node('Abs', [x]),
        );
      return branches(n, condition, inner, (b) => b.node('Identity', [x]));
    },
  },
  Loop: { build: (n, x) => loop(n, x, (body, carried) => body.node('Mul', [carried, body.scalar(0.9)])) },
  LoopReadsOuter: { build: (n, x) => loop(n, x, (body, carried) => body.node('Add', [carried, x])) },
  LoopWithConv: { build: (n, x) => loop(n, x, (body, carried) => body.node('Relu', [body.conv(carried)])) },
};

export const structures: Readonly<Record<string, Structure>> = {
  ...arithmetic,
  ...layers,
  ...shapes,
  ...computedWeights,
  ...control,
};

export type Generated = { readonly name: string; readonly model: ModelProto };
