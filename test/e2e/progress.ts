/** What status says about running pods while exports run on kubelets. */
import type { ExecutionContext } from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import type { Running } from '../../src/cluster/api/running.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { namespace } from '../demo/scenario.ts';

/** Seconds between two reads of a log in this run: the exports of the test are short. */
export const progressSeconds = 2;

type Seen = { readonly running: Running; readonly progress: string };

/** Running stages of all exports of the namespace, from now on until the watch ends. */
export const collectProgress = (cluster: Cluster, limitMs: number): readonly Seen[] => {
  const seen: Seen[] = [];
  const collect = async (): Promise<void> => {
    const args = ['modelexports', '-n', namespace, '-o', 'jsonpath={.status}{"\\n"}'];
    for await (const line of cluster.watch(args, limitMs)) {
      const status = JSON.parse(line || '{}') as NonNullable<ModelExport['status']>;
      const stages = [status.calibration, status.export, ...(status.engines ?? [])];
      for (const running of stages.flatMap((stage) => stage?.running ?? []))
        seen.push({ running, progress: status.progress ?? '' });
    }
  };
  collect().catch(() => {}); // The cluster ends first; the test reports what is missing.
  return seen;
};

/** At least one status had a percentage, and what each says is consistent. A rate needs two reports, which short work may not have. */
export const checkProgress = (t: ExecutionContext, seen: readonly Seen[]): void => {
  const texts = seen.map(({ running }) => JSON.stringify(running)).join('\n');
  const shares = seen.filter(({ running }) => running.percent !== undefined);
  t.true(shares.length > 0, `no status has a percentage:\n${texts}`);
  t.true(
    shares.some(({ progress }) => /\d%/.test(progress)),
    'the column Progress of kubectl get has it, too',
  );
  for (const { running } of shares)
    t.is(running.percent, Math.floor((100 * running.done!) / running.total!), texts);
  const rates = seen.flatMap(({ running }) => running.perSecond ?? []);
  for (const rate of rates) t.true(Number(rate) > 0, rate);
};
