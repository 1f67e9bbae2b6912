/** Content keys across upgrades: keys of stored objects never change, so that existing artifacts are found. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  type CalibrationTensorfile,
  calibrationTensorfileSchema,
} from '../../src/cluster/api/calibration-tensorfile.ts';
import {
  type ExportDeviceClass,
  exportDeviceClassSchema,
} from '../../src/cluster/api/export-device-class.ts';
import { type ModelExport, modelExportSchema } from '../../src/cluster/api/model-export.ts';
import { makeExportTask } from '../../src/cluster/jobs/export-job.ts';
import {
  chooseKey,
  computeKey,
  computeKeys,
  findSchema,
  type KeyTable,
} from '../../src/cluster/jobs/key-table.ts';
import * as keys from '../../src/cluster/jobs/keys.ts';
import { flag, integer, list, object, type Schema, text } from '../../src/ground/contract/schema.ts';
import { aDeviceClass, aModelExport, aSpec } from '../builders/objects.ts';

const {
  hashEngineInputs: engineKey,
  computeExportKey: exportKey,
  computeHistogramsKey: histogramsKey,
  computeTensorfileKey: tensorfileKey,
} = keys;

const stored = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/stored/v1beta1.json'), 'utf8'),
) as { ModelExport: ModelExport; CalibrationTensorfile: CalibrationTensorfile } & Record<
  't4' | 'cpu',
  ExportDeviceClass
>;

/** An object that was stored earlier, as an apiserver with the current CRD returns it. */
const read = (schema: Schema, value: unknown): unknown => {
  if (!('properties' in schema) || typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const found = (value as Readonly<Record<string, unknown>>)[name];
    return [name, read(field, found ?? field.default)] as const;
  });
  return { ...value, ...Object.fromEntries(fields.filter(([, field]) => field !== undefined)) };
};

const engineOf = (modelExport: ModelExport, deviceClass: ExportDeviceClass): string =>
  engineKey({
    spec: modelExport.spec,
    deviceClass,
    payloadDigest: 'e',
    calibrationCacheSha256: 'c',
    stored: undefined,
  });

/** The first engine is int8 for TensorRT: its Q/DQ pairs changed, and with them `int8FormatVersion`, so it is built again. */
test('objects that the first version stored keep their keys, apart from a changed format of int8', (t) => {
  const withDefaults = <T extends { readonly spec: object }>(schema: Schema, value: T): T => ({
    ...value,
    spec: read(findSchema(schema, 'spec'), value.spec) as object,
  });
  const modelExport = withDefaults(modelExportSchema, stored.ModelExport);
  const tensorfile = withDefaults(calibrationTensorfileSchema, stored.CalibrationTensorfile);
  const classes = [stored.t4, stored.cpu].map((each) => withDefaults(exportDeviceClassSchema, each));
  t.deepEqual(
    {
      export: exportKey(modelExport),
      histograms: histogramsKey(modelExport),
      tensorfile: tensorfileKey(tensorfile),
      engines: classes.map((each) => engineOf(modelExport, each)),
    },
    {
      export: '160718d707697538',
      histograms: '5fcd13d36391572a',
      tensorfile: '388f6275a693f30d',
      engines: ['2e78f89a1c26d48a', 'c5e2e1d9b2af748c'],
    },
  );
});

/** The endpoint is in the keys: another server has other objects of the same names. */
const waysToObjects = ['region', 'pathStyle', 'credentialsSecretRef', 'caConfigMapKeyRef', 'scratchSize'].map(
  (name) => `s3.${name}`,
);

/** Fields of a spec that do not affect the bytes of an artifact, and why. */
const without: Readonly<Record<string, readonly string[]>> = {
  ModelExport: [
    'dataType', // in the facts of the export (calibrates) and of each engine
    'deviceClasses', // each is a separate engine
    'strictTypeConstraints', // in the facts of the engines that it changes
    'maxBatchSize', // in the facts of engines
    'maxWorkspaceSize',
    'output', // the place, not the content: compared with the folder in status
    'failurePolicy',
    'suspend',
    'managedBy',
    'jobs',
    'calibration.parallelism', // the same bytes for any number of pods
    ...waysToObjects,
    'calibration.tensorfile.calibrationTensorfileRef', // replaced by the file and its digest
  ],
  CalibrationTensorfile: ['output', 'suspend', 'managedBy', 'jobs', ...waysToObjects],
  ExportDeviceClass: [
    'tolerations',
    'allowPending',
    'hardware.selectNodesBy', // which nodes are candidates: the GPU itself is verified
    'resources', // as amounts, in the facts of each engine that is built on its device
  ],
};

const pathsOf = (schema: Schema, path = ''): readonly string[] =>
  'properties' in schema
    ? Object.entries(schema.properties).flatMap(([name, field]) =>
        pathsOf(field, path ? `${path}.${name}` : name),
      )
    : [path];

const covers = test.macro({
  exec: (t, kind: string, schema: Schema, tables: readonly KeyTable[]) => {
    const inTables = tables.flatMap(({ since }) => Object.values(since).flat());
    for (const path of inTables) t.notThrows(() => findSchema(schema, path));
    const known = [...inTables, ...without[kind]!];
    const missing = pathsOf(schema).filter(
      (path) => !known.some((name) => path === name || path.startsWith(`${name}.`)),
    );
    t.deepEqual(missing, [], 'a new field is in a table, or changes no bytes');
  },
  title: (_, kind) => `each field of a ${kind} is in the table of a key, or decides no bytes`,
});
test(covers, 'ModelExport', modelExportSchema.properties.spec, [keys.int8ExportTable]);
test(covers, 'CalibrationTensorfile', calibrationTensorfileSchema.properties.spec, [keys.tensorfileTable]);
test(covers, 'ExportDeviceClass', exportDeviceClassSchema.properties.spec, [keys.deviceTable]);

const size = integer('The size of a thing.', { default: 3 });
const small = object('A thing.', { name: text('Its name.'), size });
const grown = object('A thing.', {
  ...small.properties,
  colour: text('Its colour.', { default: 'red' }),
  loud: flag('Whether it makes a noise.', { default: false }),
  parts: list('Its parts.', text('A part.'), { maxItems: 3 }),
});
const first: KeyTable = { version: 1, since: { v1: ['name', 'size'] } };
const second: KeyTable = { version: 1, since: { v1: ['name', 'size'], v2: ['colour', 'loud', 'parts'] } };

/** Fields added after the first version for which stored objects of that version have no value. */
const unfounded = (schema: Schema, { since }: KeyTable): readonly string[] => {
  const [, ...later] = Object.values(since);
  return later.flat().filter((path) => {
    const parent = path.includes('.') ? findSchema(schema, path.slice(0, path.lastIndexOf('.'))) : schema;
    const name = path.slice(path.lastIndexOf('.') + 1);
    const required: readonly string[] = ('required' in parent && parent.required) || [];
    return required.includes(name) && findSchema(schema, path).default === undefined;
  });
};

test('fields that came after the first version are optional or have a default', (t) => {
  t.deepEqual(unfounded(modelExportSchema.properties.spec, keys.int8ExportTable), []);
  t.deepEqual(unfounded(calibrationTensorfileSchema.properties.spec, keys.tensorfileTable), []);
  t.deepEqual(unfounded(exportDeviceClassSchema.properties.spec, keys.deviceTable), []);
  const demanding = object('A thing.', { ...grown.properties }, { required: ['colour', 'parts'] });
  t.deepEqual(unfounded(demanding, second), ['parts']);
});

test('a default that a later API fills in changes no key, another value does', (t) => {
  const before = computeKey(first, { schema: small, object: { name: 'a', size: 3 } });
  const keyWith = (changes: object) =>
    computeKey(second, {
      schema: grown,
      object: { name: 'a', size: 3, colour: 'red', loud: false, parts: [], ...changes },
    });
  t.is(keyWith({}), before);
  t.is(computeKey(second, { schema: grown, object: { name: 'a' } }), before);
  for (const changes of [{ colour: 'blue' }, { loud: true }, { parts: ['x'] }, { size: 4 }])
    t.not(keyWith(changes), before);
});

test('an artifact keeps the key of an older table while its fields are unchanged', (t) => {
  const next: KeyTable = { version: 2, since: { v1: ['name'] } };
  const keyed = { schema: small, object: { name: 'a', size: 4 } };
  const old = computeKey(first, keyed);
  const keys = computeKeys([next, first], keyed);
  t.is(chooseKey(keys, old), old);
  t.is(chooseKey(keys, undefined), computeKey(next, keyed));
  const other = { ...keyed, object: { name: 'b', size: 4 } };
  t.is(chooseKey(computeKeys([next, first], other), old), computeKey(next, other));
});

const keyWith = (calibration: Partial<NonNullable<ModelExport['spec']['calibration']>>): string =>
  exportKey(aModelExport({ spec: { calibration: { ...aSpec().calibration!, ...calibration } } }));

test('default values do not change an export key', (t) => {
  t.is(
    keyWith({
      keepFloat: [],
      sensitivity: false,
      requireInt8: false,
      equalize: 'off',
      chooseAlgorithm: false,
    }),
    exportKey(aModelExport()),
  );
  t.not(keyWith({ keepFloat: ['conv1'] }), keyWith({}));
  t.not(keyWith({ keepFloat: ['conv1'] }), keyWith({ keepFloat: ['conv2'] }));
  const codec = { image: 'codec@sha256:1', command: ['codec'] };
  t.not(exportKey(aModelExport({ spec: { codec } })), exportKey(aModelExport()));
});

test('a size in another unit is the same engine; another device to build on is another engine', (t) => {
  const cpu = aDeviceClass('cpu');
  const keyFor = (spec: Partial<ModelExport['spec']>, changes: Partial<ExportDeviceClass['spec']> = {}) =>
    engineOf(aModelExport({ spec }), { ...cpu, spec: { ...cpu.spec, ...changes } });
  t.is(keyFor({ maxWorkspaceSize: 2 ** 30 }), keyFor({ maxWorkspaceSize: '1024Mi' }));
  t.not(keyFor({ maxBatchSize: 1 }), keyFor({}));
  const resources = (name: string) => ({ resources: { [name]: 1 } });
  t.not(keyFor({}, resources('nvidia.com/mig-1g.5gb')), keyFor({}, resources('nvidia.com/mig-2g.10gb')));
  t.not(keyFor({}, { runtimeClassName: 'nvidia' }), keyFor({}));
  t.is(keyFor({}, { tolerations: [{ operator: 'Exists' }] }), keyFor({}));
});

test('an engine key contains resources as amounts, without the implicit GPU of a backend', (t) => {
  const keyOf = (resources?: ExportDeviceClass['spec']['resources']) => {
    const { metadata } = aDeviceClass('gpu');
    const spec = {
      engine: { backend: 'TensorRt' },
      allowPending: false,
      ...(resources && { resources }),
    } as const;
    return engineOf(aModelExport(), { ...aDeviceClass('gpu'), metadata, spec });
  };
  for (const same of [{}, { 'nvidia.com/gpu': 1 }, { 'nvidia.com/gpu': '1' }, { 'rdma/hca': 0 }])
    t.is(keyOf(same), keyOf(), JSON.stringify(same));
  const slice = { 'nvidia.com/mig-1g.5gb': 1 };
  t.is(keyOf({ 'nvidia.com/mig-1g.5gb': '1' }), keyOf(slice));
  const others = [
    {},
    slice,
    { 'nvidia.com/mig-2g.10gb': 1 },
    { 'nvidia.com/mig-1g.5gb': 2 },
    { 'nvidia.com/gpu': 2 },
  ];
  t.is(new Set(others.map(keyOf)).size, others.length);
});

test('exports that differ only in thresholds share one set of histograms', (t) => {
  const taskWith = (calibration: Partial<NonNullable<ModelExport['spec']['calibration']>>) =>
    makeExportTask(aModelExport({ spec: { calibration: { ...aSpec().calibration!, ...calibration } } }));
  const plain = taskWith({});
  t.regex(plain.histograms!, /^pvc:\/\/exports\/classifier\/histograms\/[0-9a-f]{16}\.hist$/);
  for (const same of [
    taskWith({ algorithm: 'Mse' }),
    taskWith({ minAgreement: 30, keepFloat: ['conv1'], sensitivity: true }),
    taskWith({ equalize: 'auto' }),
    taskWith({ chooseAlgorithm: true }),
  ]) {
    t.is(same.histograms, plain.histograms);
    t.not(same.exportKey, plain.exportKey);
  }
  t.not(taskWith({ batches: 11 }).histograms, plain.histograms);
  t.is(taskWith({ source: 'DataLoader' }).histograms, undefined);
});
