/** metav1.OwnerReference. */
export type OwnerReference = {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
};

/** The metadata that the caches keep of Jobs and pods. */
export type OwnedMetadata = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly deletionTimestamp?: string;
};

/** A condition of a Job or pod. */
export type ObjectCondition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
};

/** The fields of batch/v1 Job that the caches keep. */
export type JobObject = {
  readonly metadata: OwnedMetadata;
  readonly spec: {
    readonly suspend?: boolean;
    readonly managedBy?: string;
    /** Number of parts of an Indexed Job; otherwise 1. */
    readonly completions?: number;
  };
  /** Whether an annotation marks the Job as suspended by this operator. */
  readonly suspendedByUs: boolean;
  readonly status?: {
    readonly conditions?: readonly ObjectCondition[];
    readonly completionTime?: string;
  };
};

/** core/v1 ContainerStatus. */
export type ContainerStatus = {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: Omit<TerminatedContainer, 'name'>;
  };
};

/** core/v1 ContainerStateTerminated, with the name of the container. */
export type TerminatedContainer = {
  readonly name: string;
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

/** The fields of core/v1 Pod that the caches keep. */
export type PodObject = {
  readonly metadata: OwnedMetadata;
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly ObjectCondition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

/** An event that explains why an object does not start. */
export type Warning = { readonly reason: string; readonly message: string };
