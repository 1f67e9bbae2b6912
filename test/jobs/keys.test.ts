/** Content keys of an upgrade: what was built before must still be found, so keys of old specs never change. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { exportTask } from '../../src/cluster/jobs/export-job.ts';
import { engineKey, exportKey } from '../../src/cluster/jobs/keys.ts';
import { aClass, aModelExport, aSpec } from '../builders/objects.ts';

const keyWith = (calibration: Partial<NonNullable<ModelExport['spec']['calibration']>>): string =>
  exportKey(aModelExport({ spec: { calibration: { ...aSpec().calibration!, ...calibration } } }));

test('the keys of a plain export and its engine are those of the first version', (t) => {
  t.is(exportKey(aModelExport()), '18277661d3ba71a2');
  const { deviceClass } = aClass('cpu');
  const digests = { etltSha256: 'e', calibrationCacheSha256: 'c' };
  t.is(engineKey({ spec: aSpec(), deviceClass: deviceClass!, ...digests }), '912d5deedc0bf8c1');
});

test('a codec changes the export key: its image and its command decide what is read and made', (t) => {
  const codec = { image: 'codec@sha256:1', command: ['codec'] };
  const keyOf = (changes: Partial<typeof codec>) =>
    exportKey(aModelExport({ spec: { codec: { ...codec, ...changes } } }));
  const keys = [
    exportKey(aModelExport()),
    keyOf({}),
    keyOf({ image: 'other' }),
    keyOf({ command: ['other'] }),
  ];
  t.is(new Set(keys).size, 4);
});

test('layers to keep in float change the export key, an empty list does not', (t) => {
  t.is(keyWith({ keepFloat: [], sensitivity: false }), exportKey(aModelExport()));
  t.not(keyWith({ keepFloat: ['conv1'] }), keyWith({}));
  t.not(keyWith({ keepFloat: ['conv1'] }), keyWith({ keepFloat: ['conv2'] }));
});

test('exports that differ in how thresholds are chosen share the counts of one pass', (t) => {
  const taskWith = (calibration: Partial<NonNullable<ModelExport['spec']['calibration']>>) =>
    exportTask(aModelExport({ spec: { calibration: { ...aSpec().calibration!, ...calibration } } }));
  const plain = taskWith({});
  t.regex(plain.histograms!, /^pvc:\/\/exports\/classifier\/histograms\/[0-9a-f]{16}\.hist$/);
  for (const same of [
    taskWith({ algorithm: 'Mse' }),
    taskWith({ minAgreement: 30, keepFloat: ['conv1'], sensitivity: true }),
  ]) {
    t.is(same.histograms, plain.histograms);
    t.not(same.exportKey, plain.exportKey);
  }
  t.not(taskWith({ batches: 11 }).histograms, plain.histograms);
  t.is(taskWith({ source: 'DataLoader' }).histograms, undefined);
});
