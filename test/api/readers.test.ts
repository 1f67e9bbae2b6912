/**
 * Every field has a reader and every reason a cause. Each field of a spec is changed in an object with all fields; the
 * operator's output for the object must change.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calibrationTensorfileSchema } from '../../src/cluster/api/calibration-tensorfile.ts';
import { conditionTypes } from '../../src/cluster/api/conditions.ts';
import {
  type ExportDeviceClass,
  exportDeviceClassSchema,
} from '../../src/cluster/api/export-device-class.ts';
import { type ModelExport, modelExportSchema } from '../../src/cluster/api/model-export.ts';
import { reasons } from '../../src/cluster/api/reasons.ts';
import { decide as decideTensorfile } from '../../src/cluster/calibrationtensorfile/decide.ts';
import { decide as decideClass } from '../../src/cluster/deviceclass/decide.ts';
import { makeEngineJob } from '../../src/cluster/jobs/engine-job.ts';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import { makeTensorfileJob } from '../../src/cluster/jobs/tensorfile-job.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import { findTensorfileName } from '../../src/cluster/modelexport/tensorfile.ts';
import type { Schema } from '../../src/ground/contract/schema.ts';
import {
  aDeviceClass,
  aModelExport,
  anObserved,
  aTensorfile,
  noObstacles,
  someArtifacts,
} from '../builders/objects.ts';
import { readSources, withoutComments } from '../sources.ts';

type Json = Readonly<Record<string, unknown>>;
type Leaf = { readonly path: readonly string[]; readonly schema: Schema };

/** Leaf fields; a list is represented by its first entry, a map by one entry. */
const leavesOf = (schema: Schema, path: readonly string[] = []): readonly Leaf[] => {
  if ('properties' in schema)
    return Object.entries(schema.properties).flatMap(([name, field]) => leavesOf(field, [...path, name]));
  if ('items' in schema) return leavesOf(schema.items, [...path, '0']);
  if ('additionalProperties' in schema)
    return leavesOf(schema.additionalProperties, [...path, 'nvidia.com/gpu']);
  return [{ path, schema }];
};

/** Values that satisfy patterns and the code that reads them. */
const special: Readonly<Record<string, readonly [unknown, unknown]>> = {
  uri: ['pvc://claim-a/folder', 'pvc://claim-b/folder'],
  pathInSpec: ['/workspace/a', '/workspace/b'],
  computeCapability: ['8.6', '8.9'],
  'nvidia.com/gpu': ['1', '2'],
  managedBy: ['export.tlt.dev/operator', 'another'],
  maxWorkspaceSize: ['1Gi', 2 ** 20],
  scratchSize: ['1Gi', '2Gi'],
};

const valuesOf = ({ path, schema }: Leaf): readonly [unknown, unknown] => {
  if (schema.type === 'boolean') return [false, true];
  if (schema.type === 'integer') return [schema.minimum ?? 1, (schema.minimum ?? 1) + 1];
  if (schema.type === 'string' && schema.enum) return [schema.enum[0], schema.enum[1]];
  return special[path.at(-1)!] ?? ['a'.repeat(64), 'b'.repeat(64)];
};

const withValue = (target: unknown, [name, ...rest]: readonly string[], value: unknown): unknown => {
  if (name === undefined) return value;
  if (name === '0') return [withValue((target as unknown[] | undefined)?.[0], rest, value)];
  const fields = (target ?? {}) as Json;
  return { ...fields, [name]: withValue(fields[name], rest, value) };
};

const everything = (leaves: readonly Leaf[]): unknown =>
  leaves.reduce<unknown>((spec, leaf) => withValue(spec, leaf.path, valuesOf(leaf)[0]), {});

/** Without keys and hashes: a field that only changes a key has no reader. */
const shown = (made: unknown): string =>
  JSON.stringify(made).replaceAll(/\b([0-9a-f]{10}|[0-9a-f]{16})\b/g, '');

/** Fields whose change does not change the result of `made` for any variant of the object. */
const unread = (
  schema: Schema,
  variants: readonly Json[],
  made: (spec: unknown) => unknown,
): readonly string[] => {
  const leaves = leavesOf(schema);
  const specs = variants.map((variant) => ({ ...(everything(leaves) as Json), ...variant }));
  return leaves
    .filter((leaf) => {
      const [, other] = valuesOf(leaf);
      return specs.every((spec) => shown(made(spec)) === shown(made(withValue(spec, leaf.path, other))));
    })
    .map(({ path }) => path.join('.'));
};

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
const status = { observedGeneration: 1 };

const madeOfExport = (spec: unknown) => {
  const modelExport = aModelExport({ spec: spec as ModelExport['spec'], status });
  const deviceClass = aDeviceClass(modelExport.spec.deviceClasses[0]!.name);
  const exported = someArtifacts();
  const classes = modelExport.spec.deviceClasses.map(({ name }) => ({
    name,
    deviceClass,
    matchingNodes: 1,
    listNodes: () => [],
  }));
  const refused = { ...classes[0]!, deviceClass: aDeviceClass('turing', turing) };
  return [
    makeExportJob(modelExport, images),
    makeEngineJob({ owner: modelExport, deviceClass, exported, images }),
    findTensorfileName(modelExport),
    decide(anObserved({ modelExport, classes })),
    decide(anObserved({ modelExport, classes: [...classes, refused] })),
  ];
};

/** Rejected for float. */
const turing = { engine: { backend: 'TensorRtRtx', computeCapability: '7.5' } } as const;

/** Object storage is reached only for URIs that are in it. */
const inObjects = { output: { uri: 's3://exports/out' } };

const calibrated = { batches: 1, batchSize: 1, algorithm: 'Entropy' };
const int8 = { dataType: 'int8', deviceClasses: [{ name: 'a'.repeat(64) }] };

test('each field of a ModelExport has a reader', (t) => {
  const sources = ['ImageDirectory', 'Tensorfile'].map((source) => ({
    ...int8,
    calibration: { ...calibrated, source },
  }));
  const referred = {
    ...int8,
    calibration: {
      ...calibrated,
      source: 'Tensorfile',
      tensorfile: { calibrationTensorfileRef: { name: 'a' } },
    },
  };
  const variants = [inObjects, { deviceClasses: [{ name: 'a', dataType: 'int8' }] }, ...sources, referred];
  t.deepEqual(unread(modelExportSchema.properties.spec, variants, madeOfExport), []);
});

test('each field of a CalibrationTensorfile has a reader', (t) => {
  const made = (spec: unknown) => {
    const tensorfile = aTensorfile({ spec: spec as never, status });
    return [
      makeTensorfileJob(tensorfile, images),
      decideTensorfile({ tensorfile, jobs: [], images, now: 0, obstacles: noObstacles }),
    ];
  };
  t.deepEqual(unread(calibrationTensorfileSchema.properties.spec, [inObjects], made), []);
});

test('each field of an ExportDeviceClass has a reader', (t) => {
  const made = (spec: unknown) => {
    const deviceClass = { ...aDeviceClass('a'), spec } as ExportDeviceClass;
    const exported = someArtifacts();
    const modelExport = aModelExport({ spec: { deviceClasses: [{ name: 'a' }] } });
    return [
      makeEngineJob({ owner: modelExport, deviceClass, exported, images }),
      decideClass({ deviceClass, nodes: [], now: 0 }),
    ];
  };
  const engine = { backend: 'TensorRtRtx', computeCapability: '8.6', tensorRtRtx: { maxAuxStreams: 7 } };
  t.deepEqual(unread(exportDeviceClassSchema.properties.spec, [{}, { engine }], made), []);
});

test('each field of a task is read by the worker', (t) => {
  const task = readFileSync(join(import.meta.dirname, '../../src/ground/contract/task.ts'), 'utf8');
  const names = [...withoutComments(task).matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name!);
  const readers = readSources()
    .filter(({ path }) => !path.startsWith('cluster/') && path !== 'ground/contract/task.ts')
    .map(({ text }) => withoutComments(text));
  readers.push(
    readFileSync(join(import.meta.dirname, '../../src/graph/builders/driver/build_engine.py'), 'utf8'),
  );
  const isRead = (name: string) =>
    readers.some((text) => new RegExp(`\\.${name}\\b|[{,] ${name}\\b|"${name}"|^ +${name},`, 'm').test(text));
  t.true(names.length > 40);
  t.deepEqual(
    [...new Set(names)].filter((name) => !isRead(name)),
    [],
  );
});

/** The tables of meanings and remedies name every reason, which does not count as a cause. */
const tables = ['cluster/api/reasons.ts', 'ground/base/failures.ts'];

test('each reason is raised somewhere', (t) => {
  const causes = readSources()
    .filter(({ path }) => !tables.includes(path))
    .map(({ text }) => withoutComments(text));
  causes.push(
    readFileSync(join(import.meta.dirname, '../../src/graph/builders/driver/build_engine.py'), 'utf8'),
  );
  const isRaised = (reason: string) => causes.some((text) => new RegExp(`['"]${reason}['"]`).test(text));
  t.deepEqual(
    Object.keys(reasons).filter((reason) => !isRaised(reason)),
    [],
  );
});

test('each type of condition is written somewhere', (t) => {
  const writers = readSources().filter(({ path }) => path !== 'cluster/api/conditions.ts');
  const isWritten = (type: string) => writers.some(({ text }) => text.includes(`'${type}'`));
  t.deepEqual(
    Object.keys(conditionTypes).filter((type) => !isWritten(type)),
    [],
  );
});
