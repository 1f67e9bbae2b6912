/** The export container with its inputs and outputs in a real S3 server, beside the same export on claims. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import { anS3Store } from '../builders/s3-store.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { aFolder } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';
import { startS3Proxy } from '../storage/s3-proxy.ts';
import { startS3Server } from '../storage/s3-server.ts';

const aTask = (models: string, exports: string): ExportTask => ({
  architecture: 'classification',
  model: { uri: `${models}/m.onnx` },
  dataType: 'int8',
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: `${models}/photos` },
    batches: 2,
    batchSize: 4,
    algorithm: 'MinMax',
  },
  forcePtq: false,
  exportKey: 'k',
  histograms: `${exports}/histograms/h.hist`,
  folder: `${exports}/out/k`,
});

test('the same bytes give the same cache and digests from a claim and from S3, where only the images of the sample are fetched', async (t) => {
  const root = aFolder('correct horse battery staple');
  for (const claim of ['models', 'exports']) mkdirSync(join(root, claim));
  writeFileSync(join(root, 'models/m.onnx'), await smallClassifier());
  cpSync(await smallPhotosFolder(), join(root, 'models/photos'), { recursive: true });
  const server = await startS3Server({ buckets: ['models', 'exports'] });
  t.teardown(server.stop);
  cpSync(join(root, 'models'), server.at('models'), { recursive: true });
  // Many more images than the sample and the comparison need.
  const [photo] = readdirSync(server.at('models/photos'));
  for (const models of [server.at('models/photos'), join(root, 'models/photos')])
    for (let n = 0; n < 100; n++) cpSync(join(models, photo!), join(models, `copy-${n}.jpg`));
  const proxy = await startS3Proxy(server.url);
  t.teardown(proxy.close);

  const local = await runExportTask(aTask('pvc://models', 'pvc://exports'), aTaskContext(root));
  const inS3 = { ...aTaskContext(root), store: anS3Store({ url: proxy.url }) };
  const task = aTask('s3://models', 's3://exports');
  const remote = await runExportTask(task, inS3);

  t.is(remote.calibrationCache!.sha256, local.calibrationCache!.sha256);
  t.is(remote.etlt.payloadDigest, local.etlt.payloadDigest);
  t.deepEqual(remote.inputs, local.inputs, 'the folder has the same digest in either storage');
  const manifest = JSON.parse(readFileSync(server.at('exports/out/k/manifest.json'), 'utf8')) as Manifest;
  t.deepEqual(
    [...Object.keys(manifest.files), 'manifest.json'].sort(),
    readdirSync(server.at('exports/out/k')).sort(),
  );
  const fetched = proxy.seen.filter((line) => line.startsWith('GET /models/photos/'));
  const images = readdirSync(server.at('models/photos')).length;
  t.true(fetched.length >= 8 && fetched.length < images / 2, `${fetched.length} of ${images}`);

  const again = { ...aTaskContext(root), store: anS3Store({ url: proxy.url }) };
  t.true((await runExportTask(task, again)).reused, 'the manifest is the proof');
  const small = { ...aTaskContext(root), store: anS3Store({ url: proxy.url, scratchBytes: 1000 }) };
  const refused = await t.throwsAsync(runExportTask(task, small), { instanceOf: UserError });
  t.is(refused!.reason, 'ScratchTooSmall');
});
