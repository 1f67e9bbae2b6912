/** Whether the pod of `fetch` runs, waits or cannot start. Pure. */
import type { PodObject } from '../ownedjobs/kube-shapes.ts';

/** State of the pod; `why` is for the user. */
export type ReaderState =
  | { readonly kind: 'Running' }
  | { readonly kind: 'Waiting'; readonly why: string }
  | { readonly kind: 'Failed'; readonly why: string };

/** Reasons of a waiting container that need a change by the user. */
const hopeless: readonly string[] = [
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];

/** The state of the pod. */
export const stateOfReader = ({ status }: PodObject): ReaderState => {
  const container = status?.containerStatuses?.[0]?.state;
  const { phase } = status ?? {};
  if (container?.running) return { kind: 'Running' };
  if (container?.terminated || phase === 'Failed' || phase === 'Succeeded') {
    const { reason = 'ended', message = '' } = container?.terminated ?? {};
    return { kind: 'Failed', why: describe(reason, message) };
  }
  const { reason, message = '' } = container?.waiting ?? {};
  if (reason !== undefined && hopeless.includes(reason))
    return { kind: 'Failed', why: describe(reason, message) };
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return { kind: 'Waiting', why: describe(scheduled.reason ?? 'Unschedulable', scheduled.message ?? '') };
  return { kind: 'Waiting', why: describe(reason ?? 'Pending', message) };
};

const describe = (reason: string, message: string): string =>
  message === '' ? reason : `${reason}: ${message}`;
