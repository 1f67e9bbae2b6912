/** Pod statuses as a kubelet writes them. */
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import type { Result } from '../../src/ground/contract/result.ts';

/** Status of a pod whose container succeeded, with this result in its termination message. */
export const aSucceededPod = (container: string, result: Result) => ended(container, 'Succeeded', 0, result);

/** Status of a pod whose container failed for this reason, by its exit code and its message. */
export const aFailedPod = (container: string, reason: FailureReason) =>
  ended(container, 'Failed', failures[reason].exitCode, {
    kind: 'Failed',
    reason,
    message: `by the test: ${reason}`,
  });

const ended = (name: string, phase: 'Succeeded' | 'Failed', exitCode: number, result: Result) => {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const terminated = { exitCode, reason, message: JSON.stringify(result) };
  const status = { name, image: 'i', imageID: '', ready: false, restartCount: 0 };
  return { phase, containerStatuses: [{ ...status, state: { terminated } }] };
};
