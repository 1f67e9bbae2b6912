export type OwnerReference = {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
};

/** The fields of Jobs, Pods and Events that are read here; the caches keep nothing else of them. */
export type OwnedMetadata = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly deletionTimestamp?: string;
};

type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
};

export type JobObject = {
  readonly metadata: OwnedMetadata;
  readonly spec: { readonly suspend?: boolean; readonly managedBy?: string };
  /** Whether it has the annotation by which the operator knows what it suspended. */
  readonly suspendedByUs: boolean;
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly completionTime?: string;
  };
};

export type ContainerStatus = {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: Omit<TerminatedContainer, 'name'>;
  };
};

export type TerminatedContainer = {
  readonly name: string;
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

export type PodObject = {
  readonly metadata: OwnedMetadata;
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

/** An event that says why an object is stuck. */
export type Warning = { readonly reason: string; readonly message: string };
