/** The driver with classic TensorRT: each plan runs with a stand-in that has exactly what NVIDIA's bindings of its version have. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import { parseResult } from '../../src/ground/contract/result.ts';
import { planTensorRt } from '../../src/ground/plans/make-plan.ts';
import { type Driven, reportOf } from '../builders/driver.ts';
import type { BindingVersion } from './bindings.ts';
import { type Classic, driveClassic, keptLayer } from './classic.ts';
import { combinations } from './combinations.ts';
import { findPython } from './pinned-wheels.ts';
import { gpus } from './stand-in.ts';

/** The bindings of each version in the combinations. */
const bindings: Readonly<Record<string, BindingVersion>> = {
  '8.5.2': '8.5.2.2',
  '8.6.1': '8.6.1',
  '10.3': '10.3.0',
  '10.8.0': '10.8.0.43',
  '10.13': '10.13.3.9',
  '11.0': '11.0.0.114',
};

const lastLine = ({ lines }: Driven) => lines.at(-1) as Readonly<Record<string, unknown>>;
type Evidence = {
  readonly gpu: Readonly<Record<string, string>>;
  readonly scales?: { readonly used: number; readonly given: number };
  readonly layers: Readonly<Record<string, number>>;
  readonly dla?: { readonly onGpu: number };
  readonly timingCaches?: readonly string[];
};
const evidenceOf = (driven: Driven) => lastLine(driven).evidence as Evidence;
type Engine = {
  readonly flags: readonly string[];
  readonly layers: readonly Readonly<Record<'name' | 'precision' | 'writes', string>>[];
};
const engineOf = ({ work }: Driven) => JSON.parse(readFileSync(join(work, 'model.engine'), 'utf8')) as Engine;

const planned = combinations.flatMap(({ name, request }) => {
  const { plan } = planTensorRt(request);
  const version = bindings[request.version ?? ''];
  return plan && version && request.backend === 'TensorRt' ? [{ name, plan, version }] : [];
});

/** The driver for 8.5 runs in the Python of JetPack 5, where it is installed; the title says which Python it was. */
const python38 = findPython('3.8');
const pythonOf = (version: BindingVersion) =>
  version === '8.5.2.2' && python38
    ? { python: python38, note: ' with Python 3.8' }
    : { python: 'python3', note: version === '8.5.2.2' ? ' (not with Python 3.8, which is not here)' : '' };

for (const { name, plan, version } of planned)
  test(`the driver builds ${name}${pythonOf(version).note}`, async (t) => {
    const capability = plan.gpu?.computeCapability ?? '8.6';
    const gpu = { capability, name: 'NVIDIA A10', dlaCores: 2 };
    const onDlaAlone = plan.dla?.gpuFallback === false;
    const driven = await driveClassic({ version, plan, gpu, python: pythonOf(version).python });
    if (onDlaAlone)
      return t.is(driven.code, failures.EngineUnsupported.exitCode, 'a softmax cannot run there');
    t.is(driven.code, 0, `${JSON.stringify(lastLine(driven))}\n${driven.stderr}`);
    const { scales, layers } = evidenceOf(driven);
    t.is(plan.int8 !== undefined, scales !== undefined);
    t.is(plan.int8 !== undefined, (layers.INT8 ?? 0) > 0, JSON.stringify(layers));
    t.deepEqual(engineOf(driven).flags, [...plan.builderFlags].sort());
  });

test('dynamic ranges: every scale is used, and strict convolutions are int8', async (t) => {
  const options = { dataType: 'int8', settings: { version: '8.6.1', strictTypes: true } } as const;
  const driven = await driveClassic({ version: '8.6.1', options });
  t.is(driven.code, 0, driven.stderr);
  const { scales, layers } = evidenceOf(driven);
  t.is(scales!.used, scales!.given);
  t.is(layers.HALF, undefined, 'strict: no layer in fp16');
  t.true(layers.INT8! > layers.FLOAT!);
});

test('a layer that is kept in float writes no int8', async (t) => {
  const options = { dataType: 'int8', keepFloat: [keptLayer] } as const;
  const driven = await driveClassic({ version: '8.6.1', options });
  t.is(driven.code, 0, JSON.stringify(lastLine(driven)));
  t.is(engineOf(driven).layers.find(({ name }) => name === keptLayer)?.writes, 'HALF');
});

test('the report has the GPU, the version, and the latency that was measured on it', async (t) => {
  const driven = await driveClassic({ version: '10.3.0' });
  t.deepEqual(evidenceOf(driven).gpu, {
    computeCapability: '8.6',
    product: 'NVIDIA A10',
    driver: 'CUDA 12.4',
  });
  const { runtime, latency } = reportOf(driven);
  t.deepEqual(runtime, { name: 'TensorRT', version: '10.3.0' });
  t.true(latency!.p50Microseconds >= 0);
});

type Refusal = {
  readonly classic: Classic;
  readonly reason: FailureReason;
  readonly says: RegExp;
};

const refuses = test.macro<[Refusal]>({
  title: (title) => `the driver reports ${title}`,
  exec: async (t, { classic, reason, says }) => {
    const driven = await driveClassic(classic);
    t.is(driven.code, failures[reason].exitCode, `${JSON.stringify(lastLine(driven))}\n${driven.stderr}`);
    const result = parseResult(driven.termination);
    t.true(result.kind === 'Failed' && result.reason === reason);
    t.regex(result.kind === 'Failed' ? result.message : '', says);
  },
});

const int8 = { dataType: 'int8' } as const;
const orin = { version: '10.3', dla: { core: 0, gpuFallback: false }, computeCapability: '8.7' } as const;

test('a node without a GPU', refuses, {
  classic: { version: '10.3.0', gpu: null },
  reason: 'HardwareMismatch',
  says: /no usable GPU: cuInit ended with CUDA error 100/,
});
test('a GPU of another compute capability', refuses, {
  classic: { version: '10.3.0', options: { settings: { version: '10.3', computeCapability: '7.5' } } },
  reason: 'HardwareMismatch',
  says: /NVIDIA A10\) has compute capability 8\.6, and the device class expects 7\.5/,
});
test('another product', refuses, {
  classic: {
    version: '10.3.0',
    options: { settings: { version: '10.3', products: ['NVIDIA-A100', 'Tesla-T4'] } },
  },
  reason: 'HardwareMismatch',
  says: /This GPU is NVIDIA-A10, and the device class expects NVIDIA-A100, Tesla-T4/,
});
test('another TensorRT than the class has', refuses, {
  classic: { version: '10.7.0', options: { settings: { version: '10.3' } } },
  reason: 'HardwareMismatch',
  says: /The image has tensorrt 10\.7\.0, and the device class expects 10\.3/,
});
test('a plan for a family that the image does not have', refuses, {
  classic: { version: '11.4.0.106', options: { settings: { version: '10.3' } } },
  reason: 'HardwareMismatch',
  says: /expects 10\.3/,
});
test("the builder's own error, in its words", refuses, {
  classic: { version: '10.3.0', fault: 'builder' },
  reason: 'EngineBuildFailed',
  says: /Could not find any implementation for node conv1/,
});
test('a GPU without enough memory', refuses, {
  classic: { version: '11.4.0.106', fault: 'memory' },
  reason: 'OutOfMemory',
  says: /OutOfMemory \(Requested size/,
});
test('an operator that TensorRT lacks, in the words of its parser', refuses, {
  classic: { version: '10.3.0', lastOperator: 'Unsupported' },
  reason: 'EngineBuildFailed',
  says: /Parsing the ONNX graph: .*UNSUPPORTED_NODE/,
});
test('fewer quantisers than the graph was given', refuses, {
  classic: { version: '10.3.0', options: int8, build: { quantisers: 999 } },
  reason: 'EngineBuildFailed',
  says: /\d+ of 999 quantisers are in the network/,
});
test('a scale for a tensor that the network lacks', refuses, {
  classic: { version: '8.6.1', options: int8, build: { int8Tensors: ['conv9:0'] } },
  reason: 'EngineBuildFailed',
  says: /int8 layers read conv9:0, and the network has no such tensor/,
});
test('a tensor for which the builder had no scale', refuses, {
  classic: { version: '8.6.1', options: int8, fault: 'unscaled' },
  reason: 'EngineBuildFailed',
  says: /had no scale for .*Missing scale and zero-point for tensor/s,
});
test('a layer in fp16 where types are strict', refuses, {
  classic: {
    version: '8.6.1',
    options: { ...int8, settings: { version: '8.6', strictTypes: true } },
    fault: 'half',
  },
  reason: 'EngineBuildFailed',
  says: /\d+ layers of the engine compute in fp16, and the plan is strict/,
});
test('a layer in int8 that was to stay in float', refuses, {
  classic: { version: '8.6.1', options: { ...int8, keepFloat: [keptLayer] }, fault: 'kept' },
  reason: 'EngineBuildFailed',
  says: /made int8 what was to stay in float/,
});
test('an engine with other shapes than planned', refuses, {
  classic: { version: '10.3.0', fault: 'shapes' },
  reason: 'EngineBuildFailed',
  says: /The engine takes the shapes .* were planned/,
});
test('an engine without the planned outputs', refuses, {
  classic: { version: '10.3.0', fault: 'outputs' },
  reason: 'EngineBuildFailed',
  says: /The outputs are .* were planned/,
});
test('layers that a DLA alone cannot run', refuses, {
  classic: { version: '10.3.0', gpu: gpus.orin, options: { ...int8, settings: orin } },
  reason: 'EngineUnsupported',
  says: /The DLA cannot run .*dlaGpuFallback/s,
});
test('a core that the device lacks', refuses, {
  classic: {
    version: '10.3.0',
    gpu: { ...gpus.orin, dlaCores: 1 },
    options: { ...int8, settings: { ...orin, dla: { core: 1, gpuFallback: true } } },
  },
  reason: 'HardwareMismatch',
  says: /has 1 DLA cores, but core 1 is requested/,
});
test('a plan for dynamic ranges with a version that has none', refuses, {
  classic: {
    version: '11.4.0.106',
    options: { ...int8, settings: { version: '11.4' } },
    build: { scales: { x: 1 }, int8Tensors: [] },
    plan: {
      ...planned.find(({ name }) => name === 'TensorRt 8.6.1: int8')!.plan,
      version: { from: '11', below: '12' },
    },
  },
  reason: 'EngineUnsupported',
  says: /TensorRT 11\.4\.0\.106 has no NetworkDefinitionCreationFlag\.EXPLICIT_BATCH/,
});
test('a stop by the kubelet as an interruption, which is tried again', refuses, {
  classic: { version: '10.3.0', fault: 'hang', onStart: (kill) => setTimeout(() => kill('SIGTERM'), 300) },
  reason: 'Interrupted',
  says: /Stopped by a signal/,
});

test('timings of earlier builds are combined; those of another device are left out', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-timings-'));
  const at = (name: string) => join(folder, name);
  const first = await driveClassic({ version: '10.3.0', change: { timingCache: at('first') } });
  t.is(first.code, 0, first.stderr);
  writeFileSync(at('foreign'), JSON.stringify({ header: ['10.3.0', 'another device'], entries: { a: 1 } }));
  writeFileSync(at('broken'), 'not a cache');
  const driven = await driveClassic({
    version: '10.3.0',
    options: { dataType: 'fp32' },
    change: { timingCaches: ['first', 'foreign', 'broken'].map(at), timingCache: at('second') },
  });
  t.deepEqual(evidenceOf(driven).timingCaches, ['first']);
  const [known, all] = ['first', 'second'].map(
    (name) => JSON.parse(readFileSync(at(name), 'utf8')) as { readonly entries: object },
  );
  t.true(Object.keys(known!.entries).every((entry) => entry in all!.entries));
  t.true(Object.keys(all!.entries).length > Object.keys(known!.entries).length);
  t.false('a' in all!.entries);
});
