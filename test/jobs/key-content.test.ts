/**
 * What content keys hash, written out: canonical JSON of field paths and facts, and of it the first 16 hex digits of the
 * SHA-256. Keys of stored objects and of whole specs are in keys.test.ts and test/golden.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import type { JobDraft } from '../../src/cluster/jobs/job.ts';
import { findSchema } from '../../src/cluster/jobs/key-table.ts';
import * as keys from '../../src/cluster/jobs/keys.ts';
import { makeJobName } from '../../src/cluster/jobs/names.ts';
import { hashAttempt, hashTemplate, nameJob, planJob } from '../../src/cluster/jobs/template.ts';
import { contentKey, digestOf, fileDigest, hasDigest, sha256 } from '../../src/ground/base/digest.ts';
import { object, text } from '../../src/ground/contract/schema.ts';
import { deviceClasses, modelExports, tensorfiles } from '../golden/objects.ts';

const hashed = (canonical: string): string =>
  createHash('sha256').update(canonical, 'utf8').digest('hex').slice(0, 16);

/** FIPS 180-2, appendix B.1. */
const digestOfAbc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('digests of a text, of pieces and of a file are SHA-256', async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'tlt-digest-')), 'abc');
  writeFileSync(file, 'abc');
  t.is(sha256('abc'), digestOfAbc);
  t.is(digestOf([Buffer.from('a'), Buffer.from('bc')]), digestOfAbc);
  t.is(await fileDigest(file), digestOfAbc);
});

test('a path has a digest if it is a regular file with these bytes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-digest-'));
  const file = join(folder, 'abc');
  writeFileSync(file, 'abc');
  t.true(await hasDigest(file, digestOfAbc));
  t.false(await hasDigest(file, sha256('other')));
  t.false(await hasDigest(folder, digestOfAbc));
  t.false(await hasDigest(join(folder, 'missing'), digestOfAbc));
});

test('parts of histograms hash the key of the histograms and the number of parts', (t) => {
  const modelExport = modelExports['an int8 export']!;
  const histograms = keys.computeHistogramsKey(modelExport);
  t.is(keys.computePartsKey(modelExport, 3), hashed(`{"histograms":"${histograms}","parts":3}`));
});

test('a plan makes its Job, and has the hash of its template', (t) => {
  const job = { metadata: {}, spec: { template: 'x' } } as unknown as JobDraft;
  let times = 0;
  const make = () => {
    times++;
    return job;
  };
  const plan = planJob(make);
  t.is(plan.job(), job);
  t.is(plan.template(), hashTemplate(job));
  t.is(times, 1, 'made once for both');
  const looked = planJob(make);
  t.is(looked.template(), hashTemplate(job));
  t.is(looked.template(), hashTemplate(job));
  t.is(times, 2, 'the hash is kept');
});

test('a content key hashes sorted members at every depth, lists in their order, and no undefined member', (t) => {
  const value = { c: [{ z: null, y: 2, x: [] }, 'ü'], a: undefined, b: { e: 1, d: true } };
  t.is(contentKey(value), hashed('{"b":{"d":true,"e":1},"c":[{"x":[],"y":2,"z":null},"ü"]}'));
});

const classifier =
  '"architecture":"classification","calibrates":false,"keySecretRef.name":"model-key","model.uri":"pvc://models/classifier.tlt","version":1';

test('a float export hashes the model, its key and whether the export calibrates', (t) => {
  t.is(keys.computeExportKey(modelExports['an fp16 export']!), hashed(`{${classifier}}`));
  const { spec, ...rest } = modelExports['an fp16 export']!;
  const forced = { ...rest, spec: { ...spec, forcePtq: true } };
  t.is(
    keys.computeExportKey(forced),
    hashed(`{${classifier.replace('"keySecretRef.name"', '"forcePtq":true,"keySecretRef.name"')}}`),
  );
});

test('an export that waits for its first result has a key', (t) => {
  const waiting = { ...modelExports['an fp16 export']!, status: {} } as ModelExport;
  t.is(keys.computeExportKey(waiting), keys.computeExportKey(modelExports['an fp16 export']!));
});

test('a tensorfile hashes its spec without fields that do not affect its bytes', (t) => {
  t.is(
    keys.computeTensorfileKey(tensorfiles['a validation tensorfile']),
    hashed(
      '{"architecture":"detectnet_v2","dataRoot.pathInSpec":"/workspace/data","dataRoot.uri":"pvc://data/kitti","experimentSpec.configMapKeyRef.key":"kitti.txt","experimentSpec.configMapKeyRef.name":"specs","maxBatches":3,"seed":7,"useValidationSet":true,"version":1}',
    ),
  );
});

const engineOf = (deviceClass: ExportDeviceClass, dataType: 'fp16' | 'int8'): string =>
  keys.hashEngineInputs({
    spec: modelExports[`an ${dataType} export`]!.spec,
    deviceClass,
    payloadDigest: 'e',
    calibrationCacheSha256: 'c',
    stored: undefined,
  });

test('an engine for a named target hashes the target, the model and the sizes, and no node', (t) => {
  const target = '"engine.backend":"TensorRtRtx","engine.computeCapability":"8.6"';
  const facts =
    '"maxBatchSize":16,"maxWorkspaceBytes":1073741824,"payloadDigest":"e","planFormatVersion":1,"version":1';
  t.is(engineOf(deviceClasses.ampere, 'fp16'), hashed(`{"dataType":"fp16",${target},${facts}}`));
  t.is(
    engineOf(deviceClasses.ampere, 'int8'),
    hashed(`{"calibrationCacheSha256":"c","dataType":"int8",${target},"int8FormatVersion":2,${facts}}`),
  );
});

test('an engine built on its device hashes the nodes and the devices of its pod', (t) => {
  const facts =
    '"maxBatchSize":16,"maxWorkspaceBytes":1073741824,"nodeSelector":{"pool":"builders"},"payloadDigest":"e","planFormatVersion":1';
  t.is(
    engineOf(deviceClasses.cpu, 'fp16'),
    hashed(`{"dataType":"fp16","engine.backend":"OnnxRuntime",${facts},"version":1}`),
  );
});

const calibrates = test.macro({
  exec: (
    t,
    dataType: 'fp16' | 'int8',
    classes: readonly ('fp16' | 'int8' | undefined)[],
    expected: boolean,
  ) => {
    const deviceClasses = classes.map((own, i) => ({ name: `class${i}`, ...(own && { dataType: own }) }));
    t.is(
      keys.needsCalibration({ ...modelExports['an fp16 export']!.spec, dataType, deviceClasses }),
      expected,
    );
  },
  title: (_, dataType: string, classes: readonly (string | undefined)[], expected: boolean) =>
    `${dataType} with classes of ${classes.map((own) => own ?? 'its type').join(', ')}: ${expected ? 'calibrates' : 'does not calibrate'}`,
});
test(calibrates, 'fp16', [undefined, undefined], false);
test(calibrates, 'fp16', [undefined, 'int8'], true);
test(calibrates, 'int8', ['fp16', 'fp16'], true);
test(calibrates, 'int8', [undefined], true);

test('a path that the schema does not have is named', (t) => {
  const schema = object('A thing.', { name: text('Its name.') });
  for (const path of ['name.first', 'colour'])
    t.throws(() => findSchema(schema, path), { instanceOf: RangeError, message: `no field ${path}` });
});

const draft = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace: 'vision', labels: { team: 'a' }, annotations: { note: 'b' } },
  spec: { template: 'c' },
} as unknown as JobDraft;

test('a template hashes labels, annotations and spec; an attempt its key, the last failure and the request', (t) => {
  t.is(
    hashTemplate(draft),
    hashed('{"annotations":{"note":"b"},"labels":{"team":"a"},"spec":{"template":"c"}}'),
  );
  t.is(hashAttempt('k', { after: 'uid', verifies: 'v' }), hashed('{"after":"uid","key":"k","verifies":"v"}'));
  t.is(hashAttempt('k', { after: undefined, verifies: undefined }), hashed('{"key":"k"}'));
});

test('a named Job is its draft with the name and two labels', (t) => {
  const content = { part: 'export', attempt: 'try', template: 'hash' };
  t.deepEqual(nameJob(draft, 'demo', content) as unknown, {
    ...draft,
    metadata: {
      namespace: 'vision',
      annotations: { note: 'b' },
      name: makeJobName('demo', content),
      labels: { team: 'a', 'export.tlt.dev/attempt': 'try', 'export.tlt.dev/template': 'hash' },
    },
  });
});

test('a Job name keeps the dashes inside, drops those where it is cut, and hashes owner, part, attempt and template', (t) => {
  const name = makeJobName(`a--b${'c'.repeat(18)}--d`, { part: 'p', attempt: 'a', template: 't' });
  const digits = hashed(`{"attempt":"a","owner":"a--b${'c'.repeat(18)}--d","part":"p","template":"t"}`);
  t.is(name, `a--b${'c'.repeat(18)}-p-${digits.slice(0, 10)}`);
});
