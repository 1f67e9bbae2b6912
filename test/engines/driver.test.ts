/** The Python build driver with TensorRT for RTX: real engines for named GPUs, and the builder's errors in full. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { buildRequest, type EngineOptions, planModel } from '../../src/graph/builders/build-request.ts';
import { int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { buildGraphFor } from '../../src/graph/precision/precision.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import type { DataType } from '../../src/ground/contract/architectures.ts';
import { parseResult } from '../../src/ground/contract/result.ts';
import type { BuildRequest } from '../../src/ground/contract/task.ts';
import type { EngineSettings, TensorRtPlan } from '../../src/ground/contract/tensorrt-plan.ts';
import { type Driven, drive, reportOf } from '../builders/driver.ts';
import { modelFile } from '../models/models.ts';
import { peerPython } from '../peers/venv.ts';
import { standInEnvironment } from '../tensorrt/stand-in.ts';

const float = await readModelFile(modelFile('classifier'));
const scales = new Map(int8Activations(float).map((name) => [name, 0.05]));

type Build = {
  readonly dataType?: DataType;
  readonly settings?: EngineSettings;
  /** Changes of the plan. */
  readonly plan?: Partial<TensorRtPlan>;
  readonly change?: Partial<BuildRequest>;
  /** Bytes that replace the real model. */
  readonly model?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
};

const build = async ({ dataType = 'fp32', settings, plan, change, model, env }: Build): Promise<Driven> => {
  const options: EngineOptions = {
    backend: 'TensorRtRtx',
    dataType,
    maxBatchSize: 4,
    maxWorkspaceSizeBytes: 2 ** 28,
    settings: { computeCapability: '8.6', ...settings },
  };
  const planned = planModel(options, float);
  const graph = buildGraphFor(float, { ...planned.plan, scales });
  const request = buildRequest(options, { ...planned, model: float, graph, scales }, { work: '', built: '' });
  const tensorRt = { ...request.tensorRt!, plan: { ...request.tensorRt!.plan, ...plan } };
  return drive({
    python: await peerPython(),
    request: { ...request, ...change, tensorRt },
    model: model ?? serializeModel(graph),
    ...(env && { env }),
  });
};

const targets = [
  { computeCapability: '8.6', dataType: 'fp32' },
  { computeCapability: '8.6', dataType: 'int8' },
  { computeCapability: '12.0', dataType: 'fp16' },
  { computeCapability: '7.5', dataType: 'fp16' },
] as const;

/** Serial, because each build uses all processors and some hundred megabytes. */
const buildAll = async (): Promise<readonly Driven[]> => {
  const all: Driven[] = [];
  for (const { computeCapability, dataType } of targets)
    all.push(await build({ dataType, settings: { computeCapability } }));
  return all;
};
const engines = buildAll();

test('engines for three compute capabilities and three precisions are built, and all differ', async (t) => {
  const digests: string[] = [];
  for (const [i, driven] of (await engines).entries()) {
    t.is(driven.code, 0, JSON.stringify(driven.lines.at(-1)));
    const engine = readFileSync(join(driven.work, 'model.engine'));
    const { runtime, seconds } = reportOf(driven);
    t.is(runtime.name, 'TensorRT-RTX');
    t.log(`${Object.values(targets[i]!).join(' ')}: ${engine.length} bytes, ${seconds} s`);
    t.true(engine.length > 300_000);
    digests.push(sha256(engine));
  }
  t.is(new Set(digests).size, targets.length);
});

test('progress is reported as JSON lines, and the last one is the result with its evidence', async (t) => {
  for (const { lines } of await engines) {
    t.true(lines.some(({ progress }) => progress !== undefined));
    t.is(lines.at(-1)!.result, 'built');
  }
  const { used, given } = (
    (await engines)[1]!.lines.at(-1) as { evidence: { scales: Record<string, number> } }
  ).evidence.scales;
  t.true(used! > 5 && used === given, `${used} of ${given} quantisers`);
});

test('a GPU of another compute capability than the one that is built for is left alone', async (t) => {
  const { LD_LIBRARY_PATH, FAKE_GPU } = await standInEnvironment({ version: '10.3.0' });
  const env = { LD_LIBRARY_PATH: LD_LIBRARY_PATH!, FAKE_GPU: FAKE_GPU! };
  const driven = await build({ dataType: 'fp16', settings: { computeCapability: '8.9' }, env });
  t.is(driven.code, 0, JSON.stringify(driven.lines.at(-1)));
  t.is(reportOf(driven).latency, undefined);
});

type Refusal = {
  readonly build: Build;
  readonly reason: 'EngineBuildFailed' | 'EngineUnsupported' | 'HardwareMismatch';
  readonly says: RegExp;
};

const refuses = test.macro<[Refusal]>({
  title: (title) => `the driver refuses ${title}`,
  exec: async (t, { build: wanted, reason, says }) => {
    const { code, termination, work } = await build(wanted);
    t.is(code, failures[reason].exitCode);
    const result = parseResult(termination);
    t.true(result.kind === 'Failed' && result.reason === reason);
    t.regex(result.kind === 'Failed' ? result.message : '', says);
    t.false(existsSync(join(work, 'model.engine')));
  },
});

test('fp32 matrices on Turing, with the message of the builder', refuses, {
  build: { plan: { computeCapability: '7.5' } },
  reason: 'EngineBuildFailed',
  says: /Turing|SM75|GEMM/,
});
test('an unknown compute capability', refuses, {
  build: { plan: { computeCapability: '5.2' } },
  reason: 'EngineUnsupported',
  says: /no ComputeCapability\.SM52/,
});
test('a builder flag that this TensorRT lacks', refuses, {
  build: { plan: { builderFlags: ['INT8'] } },
  reason: 'EngineUnsupported',
  says: /no BuilderFlag\.INT8/,
});
test('a TensorRT of another version than the class expects', refuses, {
  build: { settings: { version: '1.6' } },
  reason: 'HardwareMismatch',
  says: /tensorrt_rtx 1\.7.*expects 1\.6/,
});
test('a TensorRT version outside the range of the plan', refuses, {
  build: { plan: { version: { from: '1.4', below: '1.5' } } },
  reason: 'HardwareMismatch',
  says: /expects 1\.4 or later, older than 1\.5/,
});
test('outputs that were not planned', refuses, {
  build: { change: { outputNames: ['another'] } },
  reason: 'EngineBuildFailed',
  says: /The outputs are .* and another were planned/,
});
test('fewer quantisers than the graph was given', refuses, {
  build: { dataType: 'int8', model: serializeModel(float) },
  reason: 'EngineBuildFailed',
  says: /0 of \d+ quantisers are in the network/,
});
test('a truncated model, with the message of the parser', refuses, {
  build: { model: readFileSync(modelFile('classifier')).subarray(0, 300_000) },
  reason: 'EngineBuildFailed',
  says: /Parsing the ONNX graph: .{10,}/,
});
