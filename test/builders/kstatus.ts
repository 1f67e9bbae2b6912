/** Computes the status of an object by the rules of kstatus (cli-utils), which Flux and Argo CD use. */
import type { Condition } from '../../src/cluster/api/conditions.ts';

export type Kstatus = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

type StatusHolder = {
  readonly metadata: { readonly generation: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
};

/** Reconciling and Stalled have priority, in list order. An object without Ready counts as Current. */
export const kstatusOf = ({ metadata, status }: StatusHolder): Kstatus => {
  if (metadata.deletionTimestamp) return 'Terminating';
  const { observedGeneration, conditions = [] } = status ?? {};
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation) return 'InProgress';
  for (const { type, status: value } of conditions) {
    if (value !== 'True') continue;
    if (type === 'Reconciling') return 'InProgress';
    if (type === 'Stalled') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
};
