/** Events of a watch, parsed without managedFields: against whole parsing, and against a real apiserver. */
import test from 'ava';
import fc from 'fast-check';
import { EventLines, type WatchEvent } from '../../src/cluster/runtime/event-lines.ts';
import { readEvents } from '../../src/cluster/runtime/watch-events.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { aClientOf } from '../builders/client.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';

const parse = (text: string, partBytes = 7): readonly WatchEvent[] => {
  const lines = new EventLines();
  const bytes = Buffer.from(text);
  const parts = Array.from({ length: Math.ceil(bytes.length / partBytes) }, (_, i) =>
    bytes.subarray(i * partBytes, (i + 1) * partBytes),
  );
  return [...parts.flatMap((part) => [...lines.take(part)]), ...lines.end()];
};

type Meta = { readonly name: string; readonly managedFields?: unknown };

const withoutManagedFields = (event: unknown): unknown => {
  const { object, ...rest } = event as { readonly object: { readonly metadata: Meta } };
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...rest, object: { ...object, metadata } };
};

/** Texts that look like the places where managedFields begins or ends. */
const tricky = fc.oneof(
  fc.string(),
  fc.constantFrom('"managedFields":[', ']},"spec":', '],"name":', '\\"managedFields\\":[', '],\\"name\\":'),
);
const managedFields = fc.array(
  fc.record({
    manager: tricky,
    fieldsV1: fc.dictionary(tricky, fc.dictionary(tricky, fc.constant({}))),
  }),
);
const members = fc.record({
  name: tricky,
  annotations: fc.dictionary(tricky, tricky),
  managedFields,
  spec: fc.dictionary(tricky, fc.oneof(tricky, fc.array(fc.record({ name: tricky })))),
});

test('an event has everything but managedFields, in the order of members of built-in kinds and of custom ones', (t) => {
  const check = fc.property(members, fc.integer({ min: 1, max: 400 }), (given, partBytes) => {
    const { name, annotations, managedFields: fields, spec } = given;
    const builtIn = { metadata: { name, annotations, managedFields: fields }, spec, status: {} };
    const custom = { metadata: { annotations, managedFields: fields, name }, spec, status: {} };
    const events = [builtIn, custom].map((object) => ({ type: 'MODIFIED', object }));
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    t.deepEqual(parse(text, partBytes) as readonly unknown[], events.map(withoutManagedFields));
  });
  fc.assert(check, { numRuns: 300 });
});

test('managedFields with a list, which no apiserver writes, costs no other member', (t) => {
  const fields = [{ fieldsV1: { a: [{ b: [1] }], c: [{ spec: 1 }] } }];
  const template = { metadata: { managedFields: [{ x: { y: [2] } }] }, spec: { z: [3] } };
  const object = { metadata: { managedFields: fields, name: 'a' }, spec: { template } };
  const [event] = parse(JSON.stringify({ type: 'ADDED', object }));
  t.like(event, { object: { metadata: { name: 'a' }, spec: { template: { spec: { z: [3] } } } } });
});

test('a line that is not JSON is an error, and an empty line is none', (t) => {
  t.throws(() => parse('{"type":"ADDED","object":{"metadata":{"managedFields":[{}],"name":"a"\n'), {
    instanceOf: SyntaxError,
  });
  t.deepEqual(parse('\n\n'), []);
});

const jobs = { group: 'batch', version: 'v1', plural: 'jobs' } as const;
const classes = { group: 'export.tlt.dev', version: 'v1beta1', plural: 'exportdeviceclasses' } as const;

test('a real apiserver writes managedFields where it is looked for, in Jobs and in custom resources', async (t) => {
  const plane = await startControlPlane();
  t.teardown(() => plane.stop());
  await installCrds(plane);
  const client = aClientOf(plane.kubeconfig);
  const stop = new AbortController();
  const container = { name: 'a', image: 'none.invalid/none' };
  const template = { spec: { containers: [container], restartPolicy: 'Never' } };
  await client.create(
    jobs,
    { namespace: 'default' },
    { metadata: { name: 'a' }, spec: { template } },
    stop.signal,
  );
  const spec = { engine: { backend: 'OnnxRuntime' } };
  const kind = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ExportDeviceClass' };
  await client.create(classes, {}, { ...kind, metadata: { name: 'cpu' }, spec }, stop.signal);
  for (const [resource, name] of [
    [jobs, 'a'],
    [classes, 'cpu'],
  ] as const) {
    const at = resource === jobs ? { namespace: 'default' } : {};
    const query = { watch: 'true', timeoutSeconds: '1' };
    const answer = await client.stream(resource, { ...at, query }, stop.signal);
    const seen: WatchEvent[] = [];
    await readEvents(answer, { clock: systemClock, silenceMs: 30_000 }, (event) => seen.push(event));
    const stored = (await client.read(resource, { ...at, name }, stop.signal)) as { readonly metadata: Meta };
    t.truthy(stored.metadata.managedFields);
    t.deepEqual(seen[0] as unknown, withoutManagedFields({ type: 'ADDED', object: stored }));
  }
});
