/** What a pod that has not started waits for, in words that say what to do. */
import type { MountWarning, PodObject } from './kube-shapes.ts';
import type { Blocked } from './observed-job.ts';

const imageReasons: readonly string[] = [
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'ErrImageNeverPull',
];

/** Waiting reasons that pass by themselves within seconds. */
const startingReasons: readonly string[] = ['ContainerCreating', 'PodInitializing'];

export const blockedOf = (pod: PodObject, warnings: readonly MountWarning[]): Blocked | undefined => {
  if (pod.status?.phase !== 'Pending') return undefined;
  return unscheduled(pod) ?? unmounted(pod, warnings) ?? waitingContainer(pod);
};

const unscheduled = ({ status }: PodObject): Blocked | undefined => {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const message = scheduled.message ?? 'no node takes the pod';
  const claim = /persistentvolumeclaim "([^"]+)" not found/.exec(message);
  return claim
    ? {
        reason: 'ClaimMissing',
        message: `PersistentVolumeClaim ${claim[1]} does not exist in this namespace: create it`,
      }
    : { reason: 'Unschedulable', message };
};

const unmounted = (pod: PodObject, warnings: readonly MountWarning[]): Blocked | undefined => {
  const own = warnings.filter(({ podUid }) => podUid === pod.metadata.uid);
  for (const { message } of own) {
    const missing = missingIn(message);
    if (missing) return missing;
  }
  return own.length > 0 ? { reason: 'PodWaiting', message: own.at(-1)!.message.slice(0, 500) } : undefined;
};

/** What the kubelet's sentence says is missing, if it is a Secret, a ConfigMap, or a key of one. */
const missingIn = (message: string): Blocked | undefined => {
  const object = /(secret|configmap) "([^"]+)" not found/.exec(message);
  const key = /references non-existent (secret|config) key: (\S+)/.exec(message);
  const [, what, name] = object ?? key ?? [];
  if (what === undefined) return undefined;
  const kind = what === 'secret' ? 'Secret' : 'ConfigMap';
  const reason = what === 'secret' ? 'KeySecretMissing' : 'SpecMissing';
  if (object) return { reason, message: `${kind} ${name} does not exist in this namespace: create it` };
  const field = what === 'secret' ? 'spec.keySecretRef.key' : 'spec.experimentSpec.configMapKeyRef.key';
  return { reason, message: `the ${kind} has no key ${name}: add it, or mend ${field}` };
};

const waitingContainer = ({ status }: PodObject): Blocked | undefined => {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const { reason, message } = state?.waiting ?? {};
    if (reason === undefined || startingReasons.includes(reason)) continue;
    const text = `container ${name}: ${reason}${message ? `: ${message.slice(0, 300)}` : ''}`;
    return { reason: imageReasons.includes(reason) ? 'ImagePullFailed' : 'PodWaiting', message: text };
  }
  return undefined;
};
