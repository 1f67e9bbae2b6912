/** What an export that waits for its claim does when it is suspended, resumed and changed. */
import type { ExecutionContext } from 'ava';
import type { Cluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';

type WaitingJob = {
  readonly metadata: { readonly uid: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly suspend: boolean };
};

/** @param name an export of which one Job waits */
export const suspendAndChange = async (
  t: ExecutionContext,
  { kubectl }: Cluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<void> => {
  const patch = (spec: object) =>
    kubectl(['patch', 'mex', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
  const untilJob = (what: string, holds: (job: WaitingJob) => boolean) =>
    eventually(what, async () => {
      const owned = `export.tlt.dev/model-export=${name}`;
      const list = await kubectl(['get', 'jobs', '-n', namespace, '-l', owned, '-o', 'json']);
      return (JSON.parse(list) as { items: readonly WaitingJob[] }).items.find(holds);
    });
  const { metadata: before } = await untilJob('the Job that waits', ({ spec }) => !spec.suspend);
  await patch({ suspend: true });
  const suspended = await untilJob('the Job to be suspended', ({ spec }) => spec.suspend);
  await patch({ suspend: false });
  const resumed = await untilJob('the Job to be resumed', ({ spec }) => !spec.suspend);
  t.deepEqual([suspended.metadata.uid, resumed.metadata.uid], [before.uid, before.uid]);
  await patch({ jobs: { metadata: { labels: { team: 'vision' } } } });
  const replaced = await untilJob(
    'a Job with the label',
    ({ metadata }) => metadata.labels.team === 'vision',
  );
  t.not(replaced.metadata.uid, before.uid, 'a Job whose pod waits is replaced');
};
