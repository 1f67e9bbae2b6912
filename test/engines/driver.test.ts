/** The Python build driver: real TensorRT-for-RTX engines for named GPUs, and the builder's errors in full. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { buildRequest } from '../../src/graph/builders/build-request.ts';
import { convertToHalf } from '../../src/graph/precision/half.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { parseResult } from '../../src/ground/contract/result.ts';
import type { BuildReport } from '../../src/ground/contract/task.ts';
import { modelFile } from '../models/models.ts';
import { peerPython } from '../peers/venv.ts';

const driver = join(import.meta.dirname, '..', '..', 'src', 'graph', 'builders', 'driver', 'build_engine.py');

type Build = {
  /** As the request has it. */
  readonly floatOutputs?: readonly string[];
  /** `null`: the machine's own GPU. */
  readonly capability?: string | null;
  readonly precision?: 'fp32' | 'fp16';
  readonly options?: Readonly<Record<string, string>>;
  /** Bytes in place of the real model. */
  readonly model?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly python?: string;
};

type Built = {
  readonly code: number;
  readonly stdout: string;
  readonly work: string;
  readonly termination: string;
};

const float = await readModelFile(modelFile('classifier'));
const graphs = { fp32: serializeModel(float), fp16: serializeModel(convertToHalf(float)) } as const;

const build = async ({
  capability = '8.6',
  precision = 'fp32',
  options = {},
  model,
  env,
  python,
  floatOutputs,
}: Build): Promise<Built> => {
  const work = mkdtempSync(join(tmpdir(), 'tlt-driver-'));
  writeFileSync(join(work, 'model.onnx'), model ?? graphs[precision]);
  const wanted = {
    backend: 'TensorRtRtx',
    ...(capability !== null && { computeCapability: capability }),
    maxBatchSize: 4,
    maxWorkspaceSizeBytes: 2 ** 28,
    options,
  } as const;
  const request = {
    ...buildRequest(wanted, float, { work, built: work }),
    ...(floatOutputs && { floatOutputs }),
  };
  writeFileSync(join(work, 'build-request.json'), JSON.stringify(request));
  const termination = join(work, 'termination-log');
  writeFileSync(termination, '');
  const child = spawn(python ?? (await peerPython()), [driver, join(work, 'build-request.json')], {
    env: { ...process.env, TERMINATION_MESSAGE_PATH: termination, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (part) => {
    stdout += part;
  });
  const code = await new Promise<number>((resolve) => child.on('close', (exit) => resolve(exit ?? -1)));
  return { code, stdout, work, termination: readFileSync(termination, 'utf8') };
};

const targets = ['8.6', '12.0'].flatMap((capability) =>
  (['fp32', 'fp16'] as const).map((precision) => ({ capability, precision })),
);

/** One after the other: each takes all processors and some hundreds of megabytes. */
const buildAll = async (): Promise<readonly Built[]> => {
  const all: Built[] = [];
  for (const target of targets) all.push(await build(target));
  return all;
};
const engines = buildAll();

test('engines for two compute capabilities and two precisions are built, and all differ', async (t) => {
  const digests: string[] = [];
  for (const [i, { code, work, stdout }] of (await engines).entries()) {
    t.is(code, 0, stdout);
    const engine = readFileSync(join(work, 'model.engine'));
    const { runtime, seconds } = JSON.parse(
      readFileSync(join(work, 'build-report.json'), 'utf8'),
    ) as BuildReport;
    t.is(runtime.name, 'TensorRT-RTX');
    t.log(`${Object.values(targets[i]!).join(' ')}: ${engine.length} bytes, ${seconds} s`);
    t.true(engine.length > 1_000_000);
    digests.push(sha256(engine));
  }
  t.is(new Set(digests).size, 4);
});

test('progress is reported as JSON lines', async (t) => {
  for (const { stdout } of await engines) {
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    t.true(lines.some(({ progress }) => progress !== undefined));
    t.is(lines.at(-1)!.result, 'built');
  }
});

type Refusal = {
  readonly build: Build;
  readonly reason: 'EngineBuildFailed' | 'EngineUnsupported';
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
  build: { capability: '7.5' },
  reason: 'EngineBuildFailed',
  says: /Turing|SM75|GEMM/,
});
test('an unknown compute capability', refuses, {
  build: { capability: '5.2' },
  reason: 'EngineUnsupported',
  says: /5\.2/,
});
test('an unknown option', refuses, {
  build: { options: { fastMath: '1' } },
  reason: 'EngineUnsupported',
  says: /fastMath.*builderOptimizationLevel/s,
});
test('an option with an invalid value', refuses, {
  build: { options: { builderOptimizationLevel: '9' } },
  reason: 'EngineUnsupported',
  says: /builderOptimizationLevel cannot be '9'/,
});
test('a truncated model, with the message of the parser', refuses, {
  build: { model: readFileSync(modelFile('classifier')).subarray(0, 300_000) },
  reason: 'EngineBuildFailed',
  says: /Parsing the ONNX graph: .{10,}/,
});

test('with the classic module the driver uses its interface correctly (strict stand-in; not run on hardware)', async (t) => {
  const env = { PYTHONPATH: join(import.meta.dirname, 'stand-in') };
  const classic = await build({ env, python: 'python3' });
  t.is(classic.code, failures.EngineUnsupported.exitCode, 'classic TensorRT builds for its own GPU only');
  t.regex(classic.termination, /only for the GPU that it runs on/);
});

test('with the classic module, layers in float are selected by their outputs (stand-in, as above)', async (t) => {
  const env = { PYTHONPATH: join(import.meta.dirname, 'stand-in') };
  const layer = (name: string, dtype = 'FLOAT') => ({ name, outputs: [`${name}:0`], dtype });
  const network = {
    inputs: [{ name: 'input_1', shape: [1, 3, 48, 192] }],
    layers: [layer('conv1'), layer('conv2'), layer('shape', 'INT64'), layer('conv3')],
  };
  const wanted = { env, python: 'python3', capability: null, model: Buffer.from(JSON.stringify(network)) };
  const told = await build({ ...wanted, floatOutputs: ['conv3:0', 'shape:0', 'conv1:0'] });
  t.is(told.code, 0, told.stdout);
  t.deepEqual(JSON.parse(readFileSync(join(told.work, 'model.engine'), 'utf8')), {
    flags: ['OBEY_PRECISION_CONSTRAINTS'],
    precisions: { conv1: 'FLOAT', conv3: 'FLOAT' },
  });
  const untold = await build(wanted);
  t.deepEqual(JSON.parse(readFileSync(join(untold.work, 'model.engine'), 'utf8')), {
    flags: [],
    precisions: {},
  });
  const unknown = await build({ ...wanted, floatOutputs: ['conv9:0'] });
  t.is(unknown.code, failures.EngineBuildFailed.exitCode);
  t.regex(unknown.termination, /the network has no tensor conv9:0/);
});
