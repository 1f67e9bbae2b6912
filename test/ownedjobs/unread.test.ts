/** The text of Jobs and pods that is left out before it is parsed, against a real apiserver: the caches keep the same. */
import test from 'ava';
import { jobCacheOptions, jobResources, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import type { WatchEvent } from '../../src/cluster/runtime/event-lines.ts';
import { readEvents } from '../../src/cluster/runtime/watch-events.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { aClientOf } from '../builders/client.ts';
import { startControlPlane } from '../cluster/control-plane.ts';

const namespace = 'default';
const never = new AbortController().signal;
const labels = { 'export.tlt.dev/stage': 'engine' };
const serviceAccounts = { group: '', version: 'v1', plural: 'serviceaccounts' } as const;

/** A pod like ours, whose containers and volumes are to be left out, and texts that are not. */
const aPodSpec = {
  volumes: [{ name: 'work', emptyDir: {} }],
  initContainers: [{ name: 'stage', image: 'none.invalid/none', restartPolicy: 'Always' }],
  containers: [
    { name: 'publish', image: 'none.invalid/none', args: ['"restartPolicy":"Never"', '"volumes":['] },
  ],
  restartPolicy: 'Never',
  nodeName: 'a-node',
};

const objects = {
  jobs: {
    options: jobCacheOptions({ namespace }, () => {}),
    spec: { suspend: true, completions: 3, ttlSecondsAfterFinished: 60, template: { spec: aPodSpec } },
    unread: ['template'],
  },
  pods: {
    options: podCacheOptions({ namespace }, () => {}),
    spec: aPodSpec,
    unread: ['volumes', 'initContainers', 'containers'],
  },
} as const;

test('the caches of Jobs and pods keep the same of an event without the text that they do not read', async (t) => {
  const plane = await startControlPlane();
  t.teardown(() => plane.stop());
  const client = aClientOf(plane.kubeconfig);
  await client.create(serviceAccounts, { namespace }, { metadata: { name: 'default' } }, never);
  for (const kind of ['jobs', 'pods'] as const) {
    const { options, spec, unread } = objects[kind];
    const resource = jobResources[kind];
    const annotations = { note: '"template":{' };
    await client.create(
      resource,
      { namespace },
      { metadata: { name: 'a', labels, annotations }, spec },
      never,
    );
    const query = { watch: 'true', timeoutSeconds: '1' };
    const answer = await client.stream(resource, { namespace, query }, never);
    const seen: WatchEvent[] = [];
    const how = { clock: systemClock, silenceMs: 30_000, unread: options.unread };
    await readEvents(answer, how, (event) => seen.push(event));
    const stored = (await client.read(resource, { namespace, name: 'a' }, never)) as {
      readonly spec: object;
    };
    const { spec: read } = seen[0]!.object as unknown as { readonly spec: object };
    const left = Object.entries(stored.spec).filter(
      ([name]) => !(unread as readonly string[]).includes(name),
    );
    t.deepEqual(read, Object.fromEntries(left), 'nothing else is left out');
    t.deepEqual(options.project(seen[0]!.object) as object, options.project(stored) as object);
  }
});
