/** Runs the operator's code on a termination message: from the pod's status to the decisions. */
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import type { JobState } from '../../src/cluster/ownedjobs/observed-job.ts';
import { findPodFailure, findSuccess } from '../../src/cluster/ownedjobs/pod-result.ts';
import { anObserved } from '../builders/objects.ts';
import { finish, performActions, settle } from '../builders/perform-actions.ts';

/** A ModelExport whose export Job is running. */
const begun = settle(anObserved());

/** For a successful and a failed container. The first decision writes status, the second one starts from it. */
export const decideOn = (message: string): void => {
  for (const exitCode of [0, 13]) {
    const ended = finish(begun, () => stateOf(message, exitCode));
    decide(performActions(ended, decide(ended).actions));
  }
};

const stateOf = (message: string, exitCode: number): JobState => {
  const state = { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message } };
  const status = { name: 'export', image: 'i', imageID: '', ready: false, restartCount: 0, state };
  const pod = { metadata: { name: 'pod' }, status: { containerStatuses: [status] } } as unknown as PodObject;
  const outcome = exitCode === 0 ? findSuccess([pod], 'export') : findPodFailure([pod], 'export');
  if (!outcome) throw new Error('the pod ended without an outcome');
  return outcome;
};
