/** What Flux, Argo CD's defaults and `kubectl wait`-like tools conclude from an object: the rules of kstatus (cli-utils). */
import type { Condition } from '../../src/cluster/api/conditions.ts';

export type Kstatus = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

type StatusHolder = {
  readonly metadata: { readonly generation: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
};

/** Reconciling and Stalled come first, in the order of the list; an object without Ready counts as done. */
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
