/** Why a Job or its pod does not start, as a reason and a message with the remedy. Pure. */
import { authorityVolume } from '../jobs/s3.ts';
import type { PodObject, Warning } from './kube-shapes.ts';
import type { Blocked } from './observed-job.ts';

const imageReasons: readonly string[] = [
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'ErrImageNeverPull',
];

/** Waiting reasons of a normal start, which lasts seconds. */
const startingReasons: readonly string[] = ['ContainerCreating', 'PodInitializing'];

const longestMessage = 500;

/**
 * Why a pod is pending. Container statuses take precedence over events: a missing Secret may have been created since.
 * @param warnings events about the pod, newest first
 */
export const explainPending = (pod: PodObject, warnings: readonly Warning[]): Blocked | undefined => {
  if (pod.status?.phase !== 'Pending') return undefined;
  return explainUnscheduled(pod) ?? explainWaitingContainer(pod) ?? explainUnmounted(warnings);
};

/**
 * Why the state of a pod is unknown: its node is not ready. The pod neither runs nor ends until the node returns or is
 * deleted.
 */
export const explainLostNode = (
  { spec }: PodObject,
  isLost: (node: string) => boolean,
): Blocked | undefined => {
  const node = spec?.nodeName;
  if (node === undefined || !isLost(node)) return undefined;
  const message = `node ${node} is not ready: the pod continues when the node returns, and is replaced when the node is deleted`;
  return { reason: 'NodeLost', message };
};

/**
 * Why a Job has no pod.
 * @param warnings events about the Job, newest first
 */
export const explainMissingPod = (warnings: readonly Warning[]): Blocked | undefined => {
  const refusal = warnings.find(({ reason }) => reason === 'FailedCreate');
  return refusal && { reason: 'PodRefused', message: truncate(refusal.message) };
};

const explainUnscheduled = ({ status }: PodObject): Blocked | undefined => {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const message = scheduled.message ?? 'no node is available for the pod';
  const claim = /persistentvolumeclaim "([^"]+)" not found/.exec(message);
  if (claim)
    return {
      reason: 'ClaimMissing',
      message: `PersistentVolumeClaim ${claim[1]} does not exist in this namespace: create it`,
    };
  if (/ReadWriteOncePod access mode/.test(message)) return { reason: 'VolumeInUse', message };
  if (/volume node affinity conflict/.test(message)) return { reason: 'VolumeUnreachable', message };
  return { reason: 'Unschedulable', message };
};

const explainUnmounted = (warnings: readonly Warning[]): Blocked | undefined => {
  for (const { message } of warnings) {
    const missing = findMissingObject(message);
    if (missing) return missing;
  }
  const [newest] = warnings.filter(({ reason }) => reason !== 'FailedScheduling');
  if (newest === undefined) return undefined;
  const reason = newest.reason === 'FailedAttachVolume' ? 'VolumeInUse' : 'PodWaiting';
  return { reason, message: truncate(newest.message) };
};

/** The Secret, ConfigMap or key that the kubelet's message reports as missing. */
const findMissingObject = (message: string): Blocked | undefined => {
  const object = /(secret|configmap) "([^"]+)" not found/.exec(message);
  const key = /references non-existent (secret|config) key: (\S+)/.exec(message);
  const [, what, name] = object ?? key ?? [];
  if (what === undefined) return undefined;
  const kind = what === 'secret' ? 'Secret' : 'ConfigMap';
  const reason = what === 'secret' ? 'KeySecretMissing' : 'SpecMissing';
  if (object) return { reason, message: `${kind} ${name} does not exist in this namespace: create it` };
  return { reason, message: `the ${kind} has no key ${name}: add it, or fix ${fieldOfKey(message, kind)}` };
};

/** The field with the key: of the Secrets, only that of the model has one. */
const fieldOfKey = (message: string, kind: 'Secret' | 'ConfigMap'): string => {
  if (kind === 'Secret') return 'spec.keySecretRef.key';
  return message.includes(`for volume "${authorityVolume}"`)
    ? 'spec.s3.caConfigMapKeyRef.key'
    : 'spec.experimentSpec.configMapKeyRef.key';
};

const explainWaitingContainer = ({ status }: PodObject): Blocked | undefined => {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const { reason, message } = state?.waiting ?? {};
    if (reason === undefined || startingReasons.includes(reason)) continue;
    const text = `container ${name}: ${reason}${message ? `: ${message.slice(0, 300)}` : ''}`;
    return { reason: imageReasons.includes(reason) ? 'ImagePullFailed' : 'PodWaiting', message: text };
  }
  return undefined;
};

const truncate = (message: string): string => message.slice(0, longestMessage);
