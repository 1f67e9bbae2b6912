/** The configuration of kube-state-metrics reads fields that our objects have. The program itself is not available to the tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { kinds } from '../../src/cluster/api/group.ts';
import { stateMetricsConfig } from '../../src/cluster/manifests/monitoring/state-metrics.ts';

type Schema = {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
};

const root = join(import.meta.dirname, '..', '..');

/** The schema of a kind, with the parts of `metadata` that every object has. */
const schemaOf = (plural: string): Schema => {
  const crd = parse(readFileSync(join(root, `crds/${plural}.export.tlt.dev.yaml`), 'utf8'));
  const { properties } = crd.spec.versions[0].schema.openAPIV3Schema as Schema;
  const text = { type: 'string' };
  const metadata = { properties: { name: text, namespace: text, creationTimestamp: text } };
  return { properties: { ...properties, metadata } };
};

/** The schema at a path, of the elements where it is a list. */
const at = (schema: Schema, path: readonly string[]): Schema | undefined =>
  path.reduce<Schema | undefined>((found, name) => {
    const next = found?.properties?.[name];
    return next?.items ?? next;
  }, schema);

test('each label and value is a text that the schema of its kind has', (t) => {
  const { resources } = stateMetricsConfig.spec;
  t.deepEqual(
    resources.map(({ groupVersionKind }) => groupVersionKind.kind),
    Object.values(kinds).map(({ kind }) => kind),
  );
  for (const [index, { plural }] of Object.values(kinds).entries()) {
    const { labelsFromPath, metrics } = resources[index]!;
    const schema = schemaOf(plural);
    for (const path of Object.values(labelsFromPath)) t.is(at(schema, path)?.type, 'string', path.join('.'));
    const [{ each: states }, { each: created }] = metrics as never as [Metric, Metric];
    const condition = at(schema, states.stateSet!.path)!;
    for (const path of [...Object.values(states.stateSet!.labelsFromPath), states.stateSet!.valueFrom])
      t.is(at(condition, path)?.type, 'string', path.join('.'));
    t.deepEqual(
      at(condition, states.stateSet!.valueFrom)!.enum?.toSorted(),
      states.stateSet!.list.toSorted(),
    );
    t.is(at(schema, created.gauge!.path)?.type, 'string');
  }
});

type Metric = {
  readonly each: {
    readonly stateSet?: {
      readonly path: readonly string[];
      readonly labelsFromPath: Readonly<Record<string, readonly string[]>>;
      readonly valueFrom: readonly string[];
      readonly list: readonly string[];
    };
    readonly gauge?: { readonly path: readonly string[] };
  };
};
