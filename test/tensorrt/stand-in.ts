/** Runs the driver with the stand-in of classic TensorRT: its version, the machine's GPU, and a network that it can read. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelProto, NodeProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf, inputsOf, shapeOf } from '../../src/formats/onnx/graph.ts';
import { layerName } from '../../src/graph/precision/float-layers.ts';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import type { BindingVersion } from './bindings.ts';

/** The GPU of the machine; DLA cores are those of a Jetson. */
export type Gpu = { readonly capability: string; readonly name: string; readonly dlaCores?: number };

export const gpus = {
  a10: { capability: '8.6', name: 'NVIDIA A10' },
  orin: { capability: '8.7', name: 'Orin', dlaCores: 2 },
} as const satisfies Record<string, Gpu>;

/** What the stand-in makes fail. */
export type Fault = 'builder' | 'memory' | 'hang' | 'unscaled' | 'kept' | 'half' | 'shapes' | 'outputs';

export type StandIn = {
  readonly version: BindingVersion;
  /** `null`: a machine without one. */
  readonly gpu?: Gpu | null;
  readonly fault?: Fault;
};

/** The folder of a libcuda.so.1 that has the GPU of the environment. */
const fakeDriver = (): Promise<string> =>
  cached(`fake-gpu-${digestOf(import.meta.dirname, ['fake_gpu.c'])}`, async (path) => {
    mkdirSync(path);
    const source = join(import.meta.dirname, 'fake_gpu.c');
    await run('gcc', ['-shared', '-fPIC', '-O1', '-o', join(path, 'libcuda.so.1'), source]);
  });

/** The environment in which `import tensorrt` finds the stand-in. */
export const standInEnvironment = async ({ version, gpu = gpus.a10, fault }: StandIn) => ({
  PYTHONPATH: join(import.meta.dirname, 'stand-in'),
  STAND_IN_TENSORRT: version,
  LD_LIBRARY_PATH: await fakeDriver(),
  ...(gpu && { FAKE_GPU: [gpu.capability, gpu.name, '12040', '580.82.07', gpu.dlaCores ?? 0].join('|') }),
  ...(fault && { STAND_IN_FAULT: fault }),
});

/** TensorRT's LayerType of an operator; every other one becomes IDENTITY. */
const layerTypes: Readonly<Record<string, string>> = {
  Conv: 'CONVOLUTION',
  ConvTranspose: 'DECONVOLUTION',
  QuantizeLinear: 'QUANTIZE',
  DequantizeLinear: 'DEQUANTIZE',
  Relu: 'ACTIVATION',
  Sigmoid: 'ACTIVATION',
  MaxPool: 'POOLING',
  AveragePool: 'POOLING',
  Add: 'ELEMENTWISE',
  Mul: 'ELEMENTWISE',
  Concat: 'CONCATENATION',
  Gemm: 'MATRIX_MULTIPLY',
  MatMul: 'MATRIX_MULTIPLY',
  Softmax: 'SOFTMAX',
  Shape: 'SHAPE',
};

/** The graph as the stand-in's parser reads it. */
export const describeNetwork = (model: ModelProto, lastOperator?: string): Buffer => {
  const graph = foldConstants(graphOf(model));
  const inputs = inputsOf(graph).map((input) => ({
    name: input.name,
    shape: shapeOf(input)!.map((size) => (typeof size === 'number' ? size : -1)),
  }));
  const outputs = graph.output.map(({ name }) => name);
  const layers = graph.node.map(describeLayer);
  if (lastOperator) layers.push({ ...layers.pop()!, type: lastOperator });
  return Buffer.from(JSON.stringify({ inputs, outputs, layers }));
};

const describeLayer = (node: NodeProto) => ({
  name: layerName(node),
  type: layerTypes[node.opType] ?? 'IDENTITY',
  inputs: node.input,
  outputs: node.output,
  ...(node.opType === 'Shape' && { dtype: 'INT32' }),
});
