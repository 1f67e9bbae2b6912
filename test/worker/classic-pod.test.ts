/** An engine pod of classic TensorRT, with the stand-in in the place of NVIDIA's image: stage, build and publish. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import test from 'ava';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import { publish } from '../../src/adapters/worker/publish.ts';
import { stage } from '../../src/adapters/worker/stage.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import { workFiles } from '../../src/ground/contract/layout.ts';
import { parseManifest } from '../../src/ground/contract/manifest.ts';
import type { Exported } from '../../src/ground/contract/result.ts';
import type { EngineTask } from '../../src/ground/contract/task.ts';
import { anEngineTask } from '../builders/engine-task.ts';
import { anExportTask } from '../builders/export-task.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { modelFile, scenesFolder } from '../models/models.ts';
import type { BindingVersion } from '../tensorrt/bindings.ts';
import { type Gpu, gpus, standInEnvironment } from '../tensorrt/stand-in.ts';

const exportFolder = 'pvc://exports/k';
const task = anExportTask({
  model: { uri: 'pvc://models/m.onnx' },
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://models/scenes' },
    batches: 1,
    batchSize: 4,
    algorithm: 'MinMax',
  },
  folder: exportFolder,
});

/** One export, and a folder in which pods of it run. */
const anExport = async () => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-classic-pod-'));
  for (const claim of ['models', 'exports']) mkdirSync(join(root, claim));
  writeFileSync(join(root, 'models', 'm.onnx'), readFileSync(modelFile('classifier')));
  const scenes = join(root, 'models', 'scenes');
  mkdirSync(scenes);
  for (const name of readdirSync(scenesFolder).filter((file) => /\.(jpg|png)$/.test(file)))
    writeFileSync(join(scenes, name), readFileSync(join(scenesFolder, name)));
  writeFileSync(join(root, 'key.txt'), 'k');
  const context = aTaskContext(root);
  return { root, context, exported: await runExportTask(task, context) };
};
const exporting = anExport();

type Pod = {
  readonly key: string;
  readonly version: BindingVersion;
  readonly gpu?: Gpu;
  readonly changes?: Partial<EngineTask>;
};

/** A pod, as far as its build container has run. */
const buildPod = async (exported: Exported, { key, version, gpu = gpus.a10, changes }: Pod) => {
  const { root, context } = await exporting;
  const folders = { work: mkdtempSync(join(root, 'work-')), built: mkdtempSync(join(root, 'built-')) };
  const pod = { ...context, ...folders };
  const settings = { version };
  const named = {
    deviceClass: 't4',
    backend: 'TensorRt',
    engineKey: key,
    folder: `${exportFolder}/engines/t4/${key}`,
  } as const;
  const engine = anEngineTask(
    exported,
    { ...named, settings, timings: 'pvc://exports/timings/t4/10.3', ...changes },
    exportFolder,
  );
  await stage(engine, pod);
  const args = ['-B', join(pod.work, workFiles.driver), join(pod.work, workFiles.request)];
  const env = { ...process.env, ...(await standInEnvironment({ version, gpu })) };
  await promisify(execFile)('python3', args, { env });
  return { publish: () => publish(engine, pod), pod };
};

const timingsIn = (root: string) => {
  const folder = join(root, 'exports/timings/same/10.3');
  return readdirSync(folder).map((name) => {
    const { entries } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { entries: object };
    return { name, entries: Object.keys(entries) };
  });
};

test('TensorRT 8.6 builds int8 by dynamic ranges, without the stage container having a GPU', async (t) => {
  const { exported, root } = await exporting;
  const { publish: store } = await buildPod(exported, {
    key: 'ranges',
    version: '8.6.1',
    changes: { timings: 'pvc://exports/timings/t4/8.6.1' },
  });
  const built = await store();
  t.deepEqual(built.runtime, { name: 'TensorRT', version: '8.6.1' });
  const engine = JSON.parse(readFileSync(join(root, 'exports/k/engines/t4/ranges/model.engine'), 'utf8')) as {
    readonly flags: readonly string[];
    readonly layers: readonly { readonly precision: string }[];
  };
  t.deepEqual(engine.flags, ['FP16', 'INT8']);
  t.true(engine.layers.some(({ precision }) => precision === 'INT8'));
  t.truthy(parseManifest(readFileSync(join(root, 'exports/k/engines/t4/ranges/manifest.json'), 'utf8')));
});

test('next to the engine are the files for DeepStream and Triton, in the manifest, with the materials of the engine', async (t) => {
  const { exported, root } = await exporting;
  const folder = join(root, 'exports/k/engines/t4/serve');
  const image = `nvcr.io/nvidia/tensorrt@sha256:${'d'.repeat(64)}`;
  const changes = {
    network: toArtifact(exportFolder, exported.deployment!),
    encodedModel: `${exportFolder}/model.codec.etlt`,
    image,
  };
  const { publish: store } = await buildPod(exported, { key: 'serve', version: '10.3.0', changes });
  const { deployment, engine, evidence } = await store();
  t.deepEqual(deployment, {
    deepStream: 'model.nvinfer.txt',
    triton: 'model.config.pbtxt',
    provenance: 'model.intoto.json',
    description: 'model.deployment.json',
  });
  t.true(
    evidence!.scalesUsed! > 10 && evidence!.scalesUsed === evidence!.scalesGiven,
    'quantisers of the graph',
  );
  t.true(evidence!.layers!.int8! > 0);
  const manifest = parseManifest(readFileSync(join(folder, 'manifest.json'), 'utf8'))!;
  for (const name of readdirSync(folder).filter((file) => file !== 'manifest.json')) {
    t.is(manifest.files[name]?.sha256, sha256(readFileSync(join(folder, name))), name);
    t.false(readFileSync(join(folder, name)).includes('tlt-model-key='), name);
  }
  const config = readFileSync(join(folder, 'model.nvinfer.txt'), 'utf8');
  t.regex(config, /^tlt-encoded-model=\.\.\/\.\.\/\.\.\/model\.codec\.etlt$/m);
  t.regex(config, /^int8-calib-file=\.\.\/\.\.\/\.\.\/calibration\.cache$/m);
  t.regex(readFileSync(join(folder, 'model.config.pbtxt'), 'utf8'), /key: "8\.6" value: "model\.engine"/);
  const statement = JSON.parse(readFileSync(join(folder, 'model.intoto.json'), 'utf8'));
  t.is(statement.subject[0].digest.sha256, engine.sha256);
  const digests = Object.fromEntries(
    statement.predicate.buildDefinition.resolvedDependencies.map(
      (each: { readonly name: string; readonly digest?: { readonly sha256: string } }) => [
        each.name,
        each.digest?.sha256,
      ],
    ),
  );
  t.deepEqual(digests, {
    etlt: exported.etlt.sha256,
    calibrationCache: exported.calibrationCache!.sha256,
    'export input: model': exported.inputs!.model,
    'export input: images': exported.inputs!.images,
    'builder image': 'd'.repeat(64),
  });
});

test('builds at the same time lose no timings, and later builds leave one file', async (t) => {
  const { exported, root } = await exporting;
  // A folder of its own, because the other tests of this file build at the same time.
  const build = (key: string, dataType: 'fp32' | 'fp16' | 'int8') =>
    buildPod(exported, {
      key,
      version: '10.3.0',
      changes: { timings: 'pvc://exports/timings/same/10.3', dataType },
    });
  const pods = [await build('same0', 'fp32'), await build('same1', 'fp16')];
  for (const { publish: store } of pods) await store();
  const both = timingsIn(root);
  t.is(both.length, 2, 'neither saw the timings of the other, and both are there');
  const third = await build('third', 'int8');
  await third.publish();
  const [all, ...others] = timingsIn(root);
  t.deepEqual(others, []);
  for (const { entries } of both) t.true(entries.every((entry) => all!.entries.includes(entry)));
  t.true(all!.entries.some((entry) => entry.endsWith('INT8')));
});

test('timings of another device stay for its own builds, and damaged files are not given to a builder', async (t) => {
  const { exported, root } = await exporting;
  const timings = 'pvc://exports/timings/mixed/10.3';
  const changes = { timings, dataType: 'fp32' } as const;
  const first = await buildPod(exported, { key: 'm1', version: '10.3.0', changes });
  await first.publish();
  writeFileSync(join(root, 'exports/timings/mixed/10.3/0123456789abcdef.timing'), 'damaged');
  const other = { capability: '7.5', name: 'Tesla T4' };
  const second = await buildPod(exported, { key: 'm2', version: '10.3.0', gpu: other, changes });
  t.is(readdirSync(join(second.pod.work, workFiles.timings)).length, 1);
  await second.publish();
  t.is(readdirSync(join(root, 'exports/timings/mixed/10.3')).length, 3, 'two devices and the damaged file');
});
