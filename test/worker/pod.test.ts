/** The containers of the pods run as processes, on a folder in place of a pod's mounts. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import type { ExportReport } from '../../src/export/report/report.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { mounts, workFiles } from '../../src/ground/contract/layout.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import {
  type EngineBuilt,
  type Exported,
  parseResult,
  type Result,
  type Unusable,
} from '../../src/ground/contract/result.ts';
import type { EngineTask } from '../../src/ground/contract/task.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { anEngineTask } from '../builders/engine-task.ts';
import { anExportTask } from '../builders/export-task.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const worker = join(import.meta.dirname, '..', '..', 'src', 'worker.ts');
const key = 'correct horse battery staple';

const aPod = async (): Promise<string> => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-pod-'));
  for (const folder of [
    `${mounts.claims}/models`,
    `${mounts.claims}/exports`,
    mounts.work,
    mounts.built,
    '/dev',
    mounts.keyFile.replace(/\/[^/]+$/, ''),
  ])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, mounts.keyFile), key);
  writeFileSync(join(root, mounts.claims, 'models/m.tlt'), await encryptTlt(await smallClassifier(), key));
  cpSync(await smallPhotosFolder(), join(root, mounts.claims, 'models/photos'), { recursive: true });
  return root;
};

type Ended = { readonly code: number; readonly result: Result | Unusable | undefined };

const container = async (root: string, command: string, task: object): Promise<Ended> => {
  const message = join(root, mounts.terminationMessage);
  rmSync(message, { force: true });
  const child = spawn(process.execPath, [worker, command, '--task', JSON.stringify(task)], {
    env: { ...process.env, TLT_WORKER_ROOT: root },
    stdio: 'ignore',
  });
  const code = await new Promise<number>((resolve) => child.on('close', (exit) => resolve(exit ?? -1)));
  return { code, result: existsSync(message) ? parseResult(readFileSync(message, 'utf8')) : undefined };
};

const exportTask = anExportTask({
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://models/photos' },
    batches: 2,
    batchSize: 8,
    algorithm: 'Mse',
  },
  folder: 'pvc://exports/out/k',
});

const runEngine = async (t: ExecutionContext, root: string, task: EngineTask): Promise<EngineBuilt> => {
  for (const volume of [mounts.work, mounts.built]) {
    rmSync(join(root, volume), { recursive: true });
    mkdirSync(join(root, volume));
  }
  for (const command of ['stage', 'build-onnxruntime'])
    t.is((await container(root, command, task)).code, 0, command);
  const { result } = await container(root, 'publish', task);
  t.is(result?.kind, 'EngineBuilt');
  return result as EngineBuilt;
};

/** The pod of the serial tests, and the result of its export. */
let pod: string;
let exported: Exported;
test.before(async () => {
  pod = await aPod();
});

test.serial(
  'export, stage, build and publish work together, and a second run finds the stored results',
  async (t) => {
    exported = (await container(pod, 'export', exportTask)).result as Exported;
    t.is(exported.kind, 'Exported');
    t.false(exported.reused);
    const built = await runEngine(t, pod, anEngineTask(exported));
    t.true(Number(built.agreement!.sqnrDb) > 35.5, `${built.agreement!.sqnrDb} dB`);
    const again = (await container(pod, 'export', exportTask)).result as Exported;
    t.true(again.reused);
    t.is(again.etlt.sha256, exported.etlt.sha256);
    const rebuilt = await runEngine(t, pod, anEngineTask(exported));
    t.true(rebuilt.reused);
    t.is(rebuilt.engine.sha256, built.engine.sha256);
    t.false(existsSync(join(pod, mounts.work, 'model.onnx')), 'nothing is staged for finished work');
  },
);

test.serial(
  'an engine of a class that prefers the fastest is float where int8 misses the accuracy gate',
  async (t) => {
    const folder = 'pvc://exports/out/k/engines/cpu/fastest';
    const settings = { prefer: 'Fastest' } as const;
    const task = anEngineTask(exported, { settings, minAgreement: 99, engineKey: 'fastest', folder });
    const built = await runEngine(t, pod, task);
    t.is(built.chosen?.dataType, 'fp32');
    t.regex(built.chosen!.because, /the required minimum 99 dB/);
    t.is(built.integerOperators, undefined);
    t.is(built.agreement?.sqnrDb, 'inf');
    const manifest = readFileSync(
      join(pod, mounts.claims, 'exports/out/k/engines/cpu/fastest/manifest.json'),
      'utf8',
    );
    t.true(manifest.includes(built.chosen!.because), 'the manifest says why');
  },
);

test.serial('the build driver of TensorRT ends well where the engine exists already', async (t) => {
  rmSync(join(pod, mounts.work), { recursive: true });
  mkdirSync(join(pod, mounts.work));
  const task: EngineTask = { ...anEngineTask(exported), backend: 'TensorRtRtx' };
  t.is((await container(pod, 'stage', task)).code, 0);
  const [driver, request] = [workFiles.driver, workFiles.request].map((file) => join(pod, mounts.work, file));
  const said = execFileSync('python3', [driver!, request!], { encoding: 'utf8' });
  t.regex(said, /finished before: nothing is built/);
});

test.serial(
  'the report and its page are stored with the other artifacts, and the manifest lists them',
  (t) => {
    t.deepEqual(exported.report, {
      file: 'report.json',
      pageFile: 'report.html',
    });
    const folder = join(pod, mounts.claims, 'exports/out/k');
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    for (const name of ['report.json', 'report.html'])
      t.is(files[name]!.sha256, sha256(readFileSync(join(folder, name))), name);
    const { model, calibration, agreement } = JSON.parse(
      readFileSync(join(folder, 'report.json'), 'utf8'),
    ) as ExportReport;
    t.is(model.source, exportTask.model.uri);
    t.is(calibration!.source, 'pvc://models/photos');
    t.is(agreement!.images, 20, 'the held-out photos');
  },
);

test.serial('a model with another digest than the required one is refused', async (t) => {
  const model = { ...exportTask.model, sha256: '0'.repeat(64) };
  const task = { ...exportTask, model, folder: 'pvc://exports/out/pinned' };
  const { code, result } = await container(pod, 'export', task);
  t.is(code, failures.DigestMismatch.exitCode);
  t.is((result as { reason?: string }).reason, 'DigestMismatch');
  t.false(existsSync(join(pod, mounts.claims, 'exports/out/pinned')), 'nothing was written');
});

test.serial('an export below minAgreement fails with that reason and stores nothing', async (t) => {
  const calibration = { ...exportTask.calibration!, minAgreement: 60 };
  const task = { ...exportTask, calibration, folder: 'pvc://exports/out/gate' };
  const { code, result } = await container(pod, 'export', task);
  t.is(code, failures.AgreementTooLow.exitCode);
  t.like(result, { kind: 'Failed', reason: 'AgreementTooLow' });
  t.regex(JSON.stringify(result), / kept in float .*spec\.calibration\.keepFloat/);
  t.false(existsSync(join(pod, mounts.claims, 'exports/out/gate')));
});

test.serial(
  'an engine pod whose .etlt changed since the export is refused before it is decrypted',
  async (t) => {
    writeFileSync(join(pod, mounts.claims, 'exports/out/k/model.etlt'), 'changed');
    const task = {
      ...anEngineTask(exported),
      engineKey: 'other',
      folder: 'pvc://exports/out/k/engines/cpu/other',
    };
    t.is((await container(pod, 'stage', task)).code, failures.DigestMismatch.exitCode);
  },
);

test.serial('changed images are calibrated again', async (t) => {
  rmSync(join(pod, mounts.claims, 'models/photos/photo1-00.jpg'));
  const { result } = await container(pod, 'export', exportTask);
  t.false((result as Exported).reused);
});
