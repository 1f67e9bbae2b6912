/** Pod statuses as a kubelet writes them. */
import type { Result } from '../../src/ground/contract/result.ts';

/** Status of a pod whose container succeeded, with this result in its termination message. */
export const aSucceededPod = (container: string, result: Result) => {
  const terminated = { exitCode: 0, reason: 'Completed', message: JSON.stringify(result) };
  const ended = { name: container, image: 'i', imageID: '', ready: false, restartCount: 0 };
  return { phase: 'Succeeded', containerStatuses: [{ ...ended, state: { terminated } }] };
};
