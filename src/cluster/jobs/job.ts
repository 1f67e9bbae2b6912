/** The Job around a pod: who owns it, when it is tried again, and when it gives up. */

import { terminalExitCodes } from '../../ground/base/failures.ts';
import type { Stage } from '../../ground/contract/result.ts';
import { exportGroup } from '../api/group.ts';
import { labels, type OwnerKind, ownerLabels } from '../api/labels.ts';
import type { ModelExportSpec } from '../api/model-export.ts';
import { podSecurityContext, type Volumes } from './pod.ts';

/** The object that a Job works for. */
export type JobOwner = {
  readonly kind: OwnerKind;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: { readonly jobs?: PodFields };
};

type PodFields = Pick<
  NonNullable<ModelExportSpec['jobs']>,
  'serviceAccountName' | 'priorityClassName' | 'imagePullSecrets' | 'metadata'
>;

export type JobIdentity = {
  readonly name: string;
  readonly stage: Stage;
  /** The content key of what the Job makes. */
  readonly key: string;
  readonly deviceClass?: string;
};

export type PodPlan = {
  readonly initContainers?: readonly object[];
  readonly containers: readonly object[];
  readonly volumes: Volumes['volumes'];
  /** nodeSelector, affinity, tolerations, runtimeClassName. */
  readonly placement: Readonly<Record<string, unknown>>;
  readonly deadlineSeconds: number | undefined;
};

export type Job = {
  readonly apiVersion: 'batch/v1';
  readonly kind: 'Job';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
};

/** Long enough for a slow calibration or a large engine; a pod that waits for its Secret or claim counts too. */
const defaultDeadlineSeconds = 6 * 60 * 60;

/** A worker that failed for want of its surroundings is tried again this often before the Job gives up. */
const backoffLimit = 2;

export const job = (owner: JobOwner, identity: JobIdentity, pod: PodPlan): Job => {
  const { metadata = {}, serviceAccountName, priorityClassName, imagePullSecrets } = owner.spec.jobs ?? {};
  const labelled = {
    labels: { ...metadata.labels, ...identityLabels(owner, identity) },
    annotations: { ...metadata.annotations },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: identity.name,
      namespace: owner.metadata.namespace,
      ...labelled,
      ownerReferences: [ownedBy(owner)],
    },
    spec: {
      backoffLimit,
      podReplacementPolicy: 'Failed',
      activeDeadlineSeconds: pod.deadlineSeconds ?? defaultDeadlineSeconds,
      suspend: false,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          {
            action: 'FailJob',
            onExitCodes: { operator: 'In', values: [...terminalExitCodes].sort((a, b) => a - b) },
          },
        ],
      },
      template: {
        metadata: labelled,
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurityContext,
          ...(serviceAccountName && { serviceAccountName }),
          ...(priorityClassName && { priorityClassName }),
          ...(imagePullSecrets && { imagePullSecrets }),
          ...pod.placement,
          ...(pod.initContainers && { initContainers: pod.initContainers }),
          containers: pod.containers,
          volumes: pod.volumes,
        },
      },
    },
  };
};

const identityLabels = (
  owner: JobOwner,
  { stage, key, deviceClass }: JobIdentity,
): Record<string, string> => ({
  [labels.managedBy]: labels.managedByValue,
  [ownerLabels[owner.kind].name]: owner.metadata.name,
  [ownerLabels[owner.kind].uid]: owner.metadata.uid,
  [labels.stage]: stage,
  [labels.artifactKey]: key,
  ...(deviceClass !== undefined && { [labels.deviceClass]: deviceClass }),
});

const ownedBy = (owner: JobOwner): object => ({
  apiVersion: exportGroup.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});
