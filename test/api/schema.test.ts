/** API conventions for every field of all schemas. */
import test from 'ava';
import { calibrationTensorfileSchema } from '../../src/cluster/api/calibration-tensorfile.ts';
import { crds } from '../../src/cluster/api/crd.ts';
import { exportDeviceClassSchema } from '../../src/cluster/api/export-device-class.ts';
import { modelExportSchema } from '../../src/cluster/api/model-export.ts';
import { openApi } from '../../src/cluster/api/open-api.ts';
import { integer, object, type Schema, text } from '../../src/ground/contract/schema.ts';

type Node = { readonly path: string; readonly name: string; readonly schema: Schema };

const nodesOf = (path: string, name: string, schema: Schema): readonly Node[] => [
  { path, name, schema },
  ...('properties' in schema
    ? Object.entries(schema.properties).flatMap(([key, value]) => nodesOf(`${path}.${key}`, key, value))
    : []),
  ...('items' in schema ? nodesOf(`${path}[]`, name, schema.items) : []),
  ...('additionalProperties' in schema ? nodesOf(`${path}.*`, name, schema.additionalProperties) : []),
];

const nodes = [
  ...nodesOf('ModelExport', '', modelExportSchema),
  ...nodesOf('CalibrationTensorfile', '', calibrationTensorfileSchema),
  ...nodesOf('ExportDeviceClass', '', exportDeviceClassSchema),
];

const everyNode = test.macro({
  exec: (t, law: (node: Node) => boolean) => {
    t.deepEqual(
      nodes.filter((node) => !law(node)).map(({ path }) => path),
      [],
    );
  },
  title: (sentence) => `every field: ${sentence}`,
});

test('is described by a sentence', everyNode, ({ schema }) => /^[A-Z].{7,}\.$/s.test(schema.description));
test(
  'describes itself without a placeholder',
  everyNode,
  ({ schema }) => !/TODO|TBD|\.\.\./.test(schema.description),
);
test(
  'of text has a maximum length or a list of values',
  everyNode,
  ({ schema }) => schema.type !== 'string' || schema.enum !== undefined || schema.maxLength !== undefined,
);
test(
  'that is a list has a maximum length and a list type',
  everyNode,
  ({ schema }) =>
    !('items' in schema) || (schema.maxItems > 0 && schema['x-kubernetes-list-type'] !== undefined),
);
test(
  'that is a map has a maximum size',
  everyNode,
  ({ schema }) => !('additionalProperties' in schema) || schema.maxProperties > 0,
);
test('of a keyed list requires its key', everyNode, ({ schema }) => {
  if (!('items' in schema) || schema['x-kubernetes-list-type'] !== 'map') return true;
  const { items } = schema;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return keys.length > 0 && 'properties' in items && keys.every((key) => items.required?.includes(key));
});
test('is not a float', everyNode, ({ schema }) => (schema.type as string) !== 'number');
test('is not a phase', everyNode, ({ name }) => name !== 'phase');
test('has a camelCase name', everyNode, ({ name }) => name === '' || /^[a-z][a-zA-Z0-9]*$/.test(name));
test('with rules has a remedy in each message', everyNode, ({ schema }) =>
  (schema.validations ?? []).every(({ message }) => message.length > 20 && !message.includes('failed rule')),
);

test('every field of a status is optional, so that status can be lost and rebuilt', (t) => {
  t.is(modelExportSchema.properties.status.required, undefined);
  t.is(calibrationTensorfileSchema.properties.status.required, undefined);
  t.is(exportDeviceClassSchema.properties.status.required, undefined);
});

test('a default makes a field optional for the user and present for the reader', (t) => {
  const schema = object(
    'A thing.',
    { size: integer('Its size.', { default: 3 }), name: text('Its name.') },
    { required: ['size', 'name'] },
  );
  t.deepEqual(openApi(schema).required, ['name']);
});

test('a CRD stays below the annotation limit of client-side apply', (t) => {
  for (const crd of crds) t.true(JSON.stringify(crd).length < 200 * 1024);
});
