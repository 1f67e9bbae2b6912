/** The driver with each release of TensorRT for RTX that PyPI has: real engines in int8 and fp16, built without a GPU. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { buildRequest, type EngineOptions, planModel } from '../../src/graph/builders/build-request.ts';
import { int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { buildGraphFor } from '../../src/graph/precision/precision.ts';
import { toNormalForm } from '../../src/graph/transforms/normal-form.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { type Driven, drive, reportOf } from '../builders/driver.ts';
import { detectorFile, detectorNames, modelFile } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { classifier } from './classic.ts';
import { type RtxRelease, rtxEnvironment, rtxReleases } from './releases.ts';

const small = parseModel(await smallClassifier());
/** The releases differ in how they compile the int8 convolutions of a MobileNetV3; in fp16 a small network shows as much. */
const modelFor = (dataType: EngineOptions['dataType']) => (dataType === 'int8' ? classifier : small);

type Target = Pick<EngineOptions, 'dataType'> & {
  readonly computeCapability: string;
  readonly version?: string;
};

const versionOf = (release: RtxRelease) => release.split('.').slice(0, 2).join('.');

const buildWith = async (
  release: RtxRelease,
  target: Target,
  model = modelFor(target.dataType),
): Promise<Driven> => {
  const { dataType, ...settings } = { version: versionOf(release), ...target };
  const options: EngineOptions = {
    backend: 'TensorRtRtx',
    dataType,
    maxBatchSize: 4,
    maxWorkspaceSizeBytes: 2 ** 28,
    settings,
  };
  const scales = new Map(int8Activations(model).map((name) => [name, 0.05]));
  const planned = planModel(options, model);
  const graph = buildGraphFor(model, { ...planned.plan, scales });
  const request = buildRequest(options, { ...planned, model, graph, scales }, { work: '', built: '' });
  // The release decides, not the version of the plan.
  const plan = { ...request.tensorRt!.plan, version: { from: '1.4', below: '2' } };
  const tensorRt = { ...request.tensorRt!, plan: target.version === '1.7' ? plan : request.tensorRt!.plan };
  const env = await rtxEnvironment(release);
  return drive({ python: 'python3', request: { ...request, tensorRt }, model: serializeModel(graph), env });
};

for (const release of rtxReleases)
  test(`TensorRT for RTX ${release} builds fp16 for 8.6 and 12.0`, async (t) => {
    for (const computeCapability of ['8.6', '12.0']) {
      const driven = await buildWith(release, { dataType: 'fp16', computeCapability });
      t.is(driven.code, 0, JSON.stringify(driven.lines.at(-1)));
      t.deepEqual(reportOf(driven).runtime, { name: 'TensorRT-RTX', version: release });
      const engine = readFileSync(join(driven.work, 'model.engine'));
      t.log(`${computeCapability}: ${engine.length} bytes`);
      t.true(engine.length > 500_000);
    }
  });

const quantised = { dataType: 'int8', computeCapability: '8.6' } as const;

for (const release of rtxReleases.slice(0, 3))
  test(`TensorRT for RTX ${release} cannot compile int8 convolutions, which the plan knows`, async (t) => {
    await t.throwsAsync(buildWith(release, quantised), {
      message: /has no int8 convolutions: use version 1\.7/,
    });
    const { code, termination } = await buildWith(release, { ...quantised, version: '1.7' });
    t.is(code, failures.EngineBuildFailed.exitCode);
    t.regex(termination, /MyelinCheckException/);
  });

const modules = ['detectnet_v2', ...detectorNames] as const;

for (const [at, module] of modules.entries()) {
  const file = module === 'detectnet_v2' ? modelFile(module) : detectorFile(module);
  const release = rtxReleases[at % 3]!;
  test(`TensorRT for RTX ${release} cannot compile the int8 convolutions of ${module} either`, async (t) => {
    const model = toNormalForm(parseModel(readFileSync(file))).model;
    const { code, termination } = await buildWith(release, { ...quantised, version: '1.7' }, model);
    t.is(code, failures.EngineBuildFailed.exitCode, termination);
    t.regex(termination, /MyelinCheckException: cudnn_impl\.cpp:\d+: CHECK\(dtype == myelinTypeFloat/);
  });
}

test('TensorRT for RTX 1.7 builds int8 for 8.6', async (t) => {
  const driven = await buildWith('1.7.1.116', quantised);
  t.is(driven.code, 0, JSON.stringify(driven.lines.at(-1)));
});

test('a release that another version was planned for is refused, and 12.1 came with 1.5', async (t) => {
  const other = await buildWith('1.4.0.76', { dataType: 'fp16', computeCapability: '8.6', version: '1.6' });
  t.is(other.code, failures.HardwareMismatch.exitCode);
  t.regex(other.termination, /tensorrt_rtx 1\.4\.0\.76, and the device class expects 1\.6/);
  await t.throwsAsync(buildWith('1.4.0.76', { dataType: 'fp16', computeCapability: '12.1' }), {
    message: /TensorRT for RTX 1\.4 cannot build for compute capability 12\.1/,
  });
});
