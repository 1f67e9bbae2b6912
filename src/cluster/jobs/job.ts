/**
 * A Job with one pod and no retries of its own: the operator decides about another attempt from the attempts in status. A Job of
 * several parts retries a part by itself, because what the others have stored stays useful.
 */

import { contentKey } from '../../ground/base/digest.ts';
import { terminalExitCodes } from '../../ground/base/failures.ts';
import type { Stage } from '../../ground/contract/result.ts';
import { exportGroup } from '../api/group.ts';
import { annotations, labels, type OwnerKind, ownerLabels } from '../api/labels.ts';
import type { ModelExportSpec } from '../api/model-export.ts';
import { makePodSecurityContext, type Volumes } from './pod.ts';

/** The object that a Job belongs to. */
export type JobOwner = {
  readonly kind: OwnerKind;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: { readonly jobs?: PodFields };
};

type PodFields = Pick<
  NonNullable<ModelExportSpec['jobs']>,
  'serviceAccountName' | 'priorityClassName' | 'imagePullSecrets' | 'metadata' | 'podSecurity'
>;

/** What a Job makes. */
export type JobIdentity = {
  readonly stage: Stage;
  /** Content key of the artifact. */
  readonly key: string;
  /** URI of the folder that the Job writes to. */
  readonly folder: string;
  readonly deviceClass?: string;
};

/** What differs between the pods of the stages. */
export type PodPlan = {
  readonly initContainers?: readonly object[];
  readonly containers: readonly object[];
  readonly volumes: Volumes['volumes'];
  /** nodeSelector, affinity, tolerations, runtimeClassName. */
  readonly placement: Readonly<Record<string, unknown>>;
  readonly deadlineSeconds: number;
  /** Number of pods, each of which does one part. Default: one pod does all. */
  readonly parts?: number;
  /** The operator's own, for every pod. */
  readonly pullSecrets?: readonly string[] | undefined;
};

/** A Job without the name and labels of an attempt. */
export type JobDraft = {
  readonly apiVersion: 'batch/v1';
  readonly kind: 'Job';
  readonly metadata: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
};

/** A Job that can be created. */
export type Job = JobDraft & { readonly metadata: { readonly name: string } };

/** Long enough for a slow calibration or the build of a large engine. */
const defaultDeadlineSeconds = 6 * 60 * 60;

/** Maximum run time of a pod in seconds, from the start of its first container. */
export const deadlineSecondsOf = (stage: { readonly deadlineSeconds?: number } | undefined): number =>
  stage?.deadlineSeconds ?? defaultDeadlineSeconds;

/** Keeps the log readable; status has what the operator needs. */
const finishedJobSeconds = 24 * 60 * 60;

/**
 * One attempt per Job, so any failure fails the Job; the rules decide what its condition says: the disruption, or the
 * container and its exit code. The condition outlives the pod.
 */
const failureRules = [
  { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } },
] as const;

/** Pods of a part that may fail before the Job does, for example because their nodes are drained. */
const partRetries = 2;

/** A part that fails for a reason of its input fails the Job, because the others read the same input. */
const partFailureRules = [
  {
    action: 'FailJob',
    onExitCodes: { operator: 'In', values: [...terminalExitCodes].sort((a, b) => a - b) },
  },
] as const;

const makeRetries = (parts: number | undefined): object =>
  parts === undefined
    ? { backoffLimit: 0, podFailurePolicy: { rules: failureRules } }
    : {
        completionMode: 'Indexed',
        completions: parts,
        parallelism: parts,
        backoffLimitPerIndex: partRetries,
        podFailurePolicy: { rules: partFailureRules },
      };

/** A Job with the metadata, the owner and the security settings that all Jobs have. */
export const makeJob = (owner: JobOwner, identity: JobIdentity, pod: PodPlan): JobDraft => {
  const { jobs = {} } = owner.spec;
  const { metadata = {}, serviceAccountName, priorityClassName } = jobs;
  const imagePullSecrets = pullSecretsOf(pod, jobs);
  const labelled = {
    labels: { ...metadata.labels, ...makeIdentityLabels(owner, identity) },
    annotations: { ...metadata.annotations },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      namespace: owner.metadata.namespace,
      labels: labelled.labels,
      annotations: { ...labelled.annotations, [annotations.deadlineSeconds]: String(pod.deadlineSeconds) },
      ownerReferences: [makeOwnerReference(owner)],
    },
    spec: {
      ...makeRetries(pod.parts),
      podReplacementPolicy: 'Failed',
      ttlSecondsAfterFinished: finishedJobSeconds,
      suspend: false,
      template: {
        metadata: labelled,
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: makePodSecurityContext(jobs.podSecurity),
          ...(serviceAccountName && { serviceAccountName }),
          ...(priorityClassName && { priorityClassName }),
          ...(imagePullSecrets.length > 0 && { imagePullSecrets }),
          ...pod.placement,
          ...(pod.initContainers && { initContainers: pod.initContainers }),
          containers: pod.containers,
          volumes: pod.volumes,
        },
      },
    },
  };
};

/** The kubelet tries them in this order; a name that both lists have is kept once. */
const pullSecretsOf = (
  { pullSecrets = [] }: PodPlan,
  { imagePullSecrets = [] }: PodFields,
): readonly { readonly name: string }[] =>
  [...new Set([...pullSecrets, ...imagePullSecrets.map(({ name }) => name)])].map((name) => ({ name }));

/** The URI of a folder as a label value, by which Jobs of other objects for the same folder are found. */
export const hashFolder = (uri: string): string => contentKey(uri);

const makeIdentityLabels = (
  owner: JobOwner,
  { stage, key, folder, deviceClass }: JobIdentity,
): Record<string, string> => ({
  [labels.managedBy]: labels.managedByValue,
  [ownerLabels[owner.kind].name]: owner.metadata.name,
  [ownerLabels[owner.kind].uid]: owner.metadata.uid,
  [labels.stage]: stage,
  [labels.artifactKey]: key,
  [labels.folder]: hashFolder(folder),
  ...(deviceClass !== undefined && { [labels.deviceClass]: deviceClass }),
});

const makeOwnerReference = (owner: JobOwner): object => ({
  apiVersion: exportGroup.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});
