/** The fields of Jobs, pods and events that the plugin reads. */
import { exportGroup, kinds } from '../api/group.ts';
import type { ModelExport } from '../api/model-export.ts';

/** REST resources that the plugin reads. */
export const resources = {
  modelExports: {
    group: exportGroup.group,
    version: exportGroup.version,
    plural: kinds.ModelExport.plural,
  },
  classes: {
    group: exportGroup.group,
    version: exportGroup.version,
    plural: kinds.ExportDeviceClass.plural,
  },
  jobs: { group: 'batch', version: 'v1', plural: 'jobs' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  events: { group: '', version: 'v1', plural: 'events' },
} as const;

type Metadata = {
  readonly name: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
};

type Condition = { readonly type: string; readonly status: string; readonly lastTransitionTime?: string };

/** batch/v1 Job. */
export type JobView = {
  readonly metadata: Metadata;
  readonly spec: { readonly suspend?: boolean };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly startTime?: string;
    readonly completionTime?: string;
  };
};

/** core/v1 ContainerStatus. */
export type ContainerView = {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: { readonly exitCode: number; readonly reason?: string };
  };
};

/** core/v1 Pod. */
export type PodView = {
  readonly metadata: Metadata;
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly initContainerStatuses?: readonly ContainerView[];
    readonly containerStatuses?: readonly ContainerView[];
  };
};

/** core/v1 Event. */
export type EventObject = {
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string } | null;
};

/** The label with which the Job controller names the Job of a pod. */
export const jobNameLabel = 'batch.kubernetes.io/job-name';

/** What is known of a ModelExport. A list is undefined if the user may not read it. */
export type Facts = {
  readonly modelExport: ModelExport;
  readonly jobs: readonly JobView[] | undefined;
  readonly pods: readonly PodView[] | undefined;
  /** Warnings of the namespace. */
  readonly warnings: readonly EventObject[] | undefined;
};
