/** Pods as a kubelet would leave them. */
import type { Result } from '../../src/ground/contract/result.ts';

/** The status of a pod whose container ended well, with this result in its termination message. */
export const endedWell = (container: string, result: Result) => {
  const terminated = { exitCode: 0, reason: 'Completed', message: JSON.stringify(result) };
  const ended = { name: container, image: 'i', imageID: '', ready: false, restartCount: 0 };
  return { phase: 'Succeeded', containerStatuses: [{ ...ended, state: { terminated } }] };
};
