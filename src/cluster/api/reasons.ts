/**
 * All reasons that conditions, entries of status.engines and events use: when each is set, and its remedy. Reasons are
 * API: add rows, never rename them.
 */

import { type FailureReason, failures } from '../../ground/base/failures.ts';
import { installation } from '../../ground/contract/installation.ts';
import { annotations } from './labels.ts';

/** One row of the reference page. */
export type ReasonRow = {
  /** When the reason is set. */
  readonly when: string;
  /** What the user has to do; undefined if nothing. */
  readonly remedy?: string;
};

/** Requests another attempt. The plugin replaces it with a command. */
export const requestAttempt = `set the annotation ${annotations.requestedAt} to a new value`;

/** Ends a remedy that changes something the operator does not watch. */
const thenRequest = `then ${requestAttempt}`;

/** Remedies for the failures that pods report; `failures` documents their meaning. */
const remedies: Readonly<Record<FailureReason, string>> = {
  Internal: "The operator retries for a day. If it persists, report it with the pod's log.",
  Usage: 'Upgrade the operator and the worker image together: their versions do not match.',
  WrongKey: `Store the key that the model was trained with in the Secret, ${thenRequest}.`,
  KeyMissing: `Add a value under spec.keySecretRef.key to the Secret, ${thenRequest}.`,
  InputNotFound: `Fix the URI in the message; or create the file, ${thenRequest}.`,
  ModelInvalid: `Copy the whole model file again, ${thenRequest}.`,
  ModelForeign:
    'Set spec.codec to an image with a program that decrypts the file, or use the unencrypted ONNX or .hdf5 model.',
  ModelUnsupported: 'Set spec.architecture to the TLT module that the model was trained with.',
  ExportDiffers: `Export the float model from training with its Relu and Clip nodes, ${thenRequest}; or report it with the model and the message.`,
  CacheIncomplete:
    'Keep the layers that read the tensors in the message in float (spec.calibration.keepFloat), or export the model in another form.',
  Int8ShareTooLow:
    'Export the model with constant weights, build fp16 engines, or set spec.calibration.requireInt8 to false.',
  DigestMismatch: `Update sha256 to the digest of the new file; or restore the pinned file, ${thenRequest}.`,
  LayerNotFound: 'Fix spec.calibration.keepFloat: the message suggests the closest name.',
  CodecFailed: 'Fix spec.codec or its image: the message contains the output of the program.',
  TooFewImages: `Lower spec.calibration.batches or batchSize (spec.maxBatches of a CalibrationTensorfile); or add images, ${thenRequest}.`,
  ImageInvalid: `Remove or replace the image in the message, ${thenRequest}.`,
  CalibrationSourceMissing: 'Set spec.calibration.',
  CalibrationFailed: `Check the weights and inputs of the tensor in the message, replace the broken ones, ${thenRequest}.`,
  CacheInvalid: `Delete the cache so that it is created again, ${thenRequest}.`,
  SpecInvalid: `Fix the experiment spec at the place in the message, ${thenRequest}.`,
  TensorfileInvalid: `Create the tensorfile again for this model and batch size, ${thenRequest}.`,
  DatasetInvalid: `Convert the data set again or remove the file in the message, ${thenRequest}.`,
  HistogramsInvalid: `Delete the histogram file in the message, ${thenRequest}: it is computed again.`,
  AgreementTooLow:
    'Keep the layers in the message in float (spec.calibration.keepFloat), calibrate with more images, choose algorithm Mse or Auto, build fp16 engines, or lower spec.calibration.minAgreement.',
  OutputExists: `Choose another spec.output.uri; or move the existing files, ${thenRequest}.`,
  OutputUnwritable: `Make the volume writable for the user and group of the pod (${installation.uid}, unless spec.jobs.podSecurity sets others or leaves them to the platform), ${thenRequest}; or set spec.jobs.podSecurity to ids that can write to it.`,
  DiskFull: 'Free space on the volume; the operator retries for a day.',
  EngineBuildFailed:
    'Read the output of the builder in the message. A smaller maxWorkspaceSize or another dataType may help.',
  EngineUnsupported:
    'Change what the message names: in the device class, its engine version, compute capability, DLA or options; or spec.dataType.',
  HardwareMismatch:
    'Narrow the nodes of the class (hardware, nodeSelector) to the device that the message expects, or fix engine.version, engine.image or hardware of the class.',
  EngineVerificationFailed: 'Choose a higher precision for this class, or calibrate with more images.',
  StorageDenied: `Correct the Secret in spec.s3.credentialsSecretRef, the permissions that the message names, or spec.s3, ${thenRequest}.`,
  ScratchTooSmall: 'Raise spec.s3.scratchSize to what the message says.',
  StorageUnavailable: 'Restore access to the volume or the object storage; the operator retries for a day.',
  Interrupted: 'The operator retries for a day. If it recurs, find out what stops the pods.',
  OutOfMemory:
    'Raise the memory limit in spec.jobs (export, engine, or helpers for the containers stage, publish and install), or use a smaller batch or model.',
};

const progress = {
  Calibrating: {
    when: 'The pods of spec.calibration.parallelism count the calibration images, or are about to be created.',
  },
  Exporting: { when: 'The export Job is running or about to be created.' },
  WritingTensorfile: {
    when: 'CalibrationTensorfile: the Job that samples and writes images is running or about to be created.',
  },
  WaitingForTensorfile: {
    when: 'The export waits until the CalibrationTensorfile that it references is ready.',
    remedy:
      'None while the CalibrationTensorfile is in progress. If the message reports it as stalled, fix it.',
  },
  BuildingEngines: { when: 'The export is complete and at least one engine is being built.' },
  Building: {
    when: 'The engine is being built. An older engine remains in status until the new one is stored.',
  },
  WaitingForExport: { when: 'The engine build waits until the export is complete.' },
  Suspended: {
    when: 'spec.suspend is true, and all Jobs are suspended or deleted.',
    remedy: 'Set spec.suspend to false to continue.',
  },
  Suspending: { when: 'spec.suspend is true, and a Job is still running.' },
  Queued: {
    when: 'A queueing system such as Kueue, or a user, suspended the Job. It starts when it is resumed.',
    remedy: 'Check the queue of the Job. The operator resumes only Jobs that it suspended itself.',
  },
} as const satisfies Record<string, ReasonRow>;

const success = {
  Ready: { when: 'All artifacts are stored.' },
  Exported: { when: 'The .etlt is stored.' },
  Calibrated: { when: 'The calibration cache is stored.' },
  AllBuilt: { when: 'All engines are stored.' },
  Built: { when: 'The engine is stored and verified.' },
} as const satisfies Record<string, ReasonRow>;

const waiting = {
  KeySecretMissing: {
    when: 'The Secret in spec.keySecretRef or its key, or the Secret in spec.s3.credentialsSecretRef, does not exist.',
    remedy: 'Create the Secret or add the key; the pod then starts automatically.',
  },
  TensorfileMissing: {
    when: 'spec.calibration.tensorfile.calibrationTensorfileRef names a CalibrationTensorfile that does not exist.',
    remedy: 'Create the CalibrationTensorfile, or fix its name; the export then starts automatically.',
  },
  SpecMissing: {
    when: 'The ConfigMap in spec.experimentSpec.configMapKeyRef or spec.s3.caConfigMapKeyRef, or the key in it, does not exist.',
    remedy: 'Create the ConfigMap or add the key; the pod then starts automatically.',
  },
  ClaimMissing: {
    when: 'A PersistentVolumeClaim in a pvc:// URI does not exist.',
    remedy: 'Create the claim; the pod then starts automatically.',
  },
  ClaimReadOnly: {
    when: 'Pods write to a PersistentVolumeClaim whose only access mode is ReadOnlyMany.',
    remedy: 'Name a claim in spec.output that can be written; the claim is read again every minute.',
  },
  ImagePullFailed: {
    when: 'The node cannot pull an image.',
    remedy: "Fix the operator's image flags, the class's engine.image or spec.jobs.imagePullSecrets.",
  },
  Unschedulable: {
    when: "The scheduler finds no node for the pod; the message is the scheduler's.",
    remedy: 'Free capacity, add a node, or add a toleration to the device class.',
  },
  JobRefused: {
    when: "The apiserver rejected the Job; the message is the apiserver's. A rejection by a quota or webhook is retried every minute; an invalid Job sets Stalled.",
    remedy: 'Raise or free the quota, change the webhook, or fix spec.jobs or the device class.',
  },
  WaitingForTwin: {
    when: 'Another object in this namespace is producing the same artifact in the same folder.',
    remedy: 'None: the result of the other object is used when it is complete.',
  },
  PodRefused: {
    when: "The Job controller cannot create the pod because of a quota, a LimitRange, an admission policy or a missing ServiceAccount; the message is the Job controller's.",
    remedy: 'Fix the cause in the namespace or in spec.jobs; the pod is then created automatically.',
  },
  VolumeUnreachable: {
    when: 'No suitable node can access the volume of a claim: it is bound to another zone or to a single node. For an engine, this is found before a pod is created, unless the class sets allowPending.',
    remedy:
      'Use a claim that all nodes of the device classes can access (ReadWriteMany), or run the export on the nodes that build the engines.',
  },
  VolumeInUse: {
    when: 'The volume of a claim cannot be attached to the node, usually because it is attached to another node (ReadWriteOnce).',
    remedy:
      'None at first: it is attached when the other pod ends. If two pods each have a volume that the other needs, delete one of them; another pod follows. Use ReadWriteMany to build on several nodes at once.',
  },
  PodWaiting: {
    when: 'The pod cannot start for another reason, which the message describes.',
    remedy: 'Fix the cause in the message; the pod then starts automatically.',
  },
  NodeLost: {
    when: 'The node of the pod is not ready, so the state of the pod is unknown.',
    remedy: 'Recover the node, or delete the Node object if it does not return; the pod is then replaced.',
  },
  DeviceClassMissing: {
    when: 'An entry in spec.deviceClasses does not match any ExportDeviceClass.',
    remedy: 'Create the ExportDeviceClass, or fix its name.',
  },
  NoMatchingNode: {
    when: 'No ready node matches the device class, and allowPending is not set.',
    remedy:
      'Add a node, fix nodeSelector or hardware of the class, or set allowPending for a cluster autoscaler.',
  },
} as const satisfies Record<string, ReasonRow>;

const failing = {
  EnginesFailed: {
    when: 'At least one engine failed, and no other engine is in progress or waiting.',
    remedy: 'For each failed class, follow the remedy of its reason in status.engines.',
  },
  Stopped: {
    when: 'Another class failed, and spec.failurePolicy is FailFast.',
    remedy: 'Fix the failed class, or set spec.failurePolicy to Continue.',
  },
  DeadlineExceeded: {
    when: 'A pod ran longer than its deadlineSeconds in spec.jobs.',
    remedy: 'Raise deadlineSeconds.',
  },
  PodFailed: {
    when: 'A pod ended without a result: it crashed, was deleted, or its node was lost.',
    remedy: "The operator retries for a day. If it recurs, read the pod's log.",
  },
  Disrupted: {
    when: 'The pod was evicted or preempted, or its node was drained or lost.',
    remedy:
      'The operator retries for a day. If it recurs, check the message: the pod may use more disk or memory than its node has.',
  },
  ResultLost: {
    when: 'A Job completed, but its pod was deleted before the operator read the result.',
    remedy: 'None: the operator retries, and the new Job finds the stored artifacts.',
  },
  ResultInvalid: {
    when: 'A pod succeeded, but its result does not match the schema; the message names the field.',
    remedy:
      'Upgrade the operator and the worker image together, and check for injected containers. The operator retries for a day.',
  },
} as const satisfies Record<string, ReasonRow>;

const deviceClass = {
  Observed: { when: 'The backend of the class is available: engines can be built for the class.' },
  NodesMatch: { when: 'At least one ready node matches the class.' },
  NodesAlike: {
    when: 'The nodes of the class have the same architecture, compute capability and GPU product.',
  },
  NodesDiffer: {
    when: 'The nodes of the class differ in architecture, compute capability or GPU product: an engine built on one may not run on another.',
    remedy: 'Narrow the class with hardware or nodeSelector, or split it into several classes.',
  },
} as const satisfies Record<string, ReasonRow>;

const failed = Object.fromEntries(
  (Object.keys(failures) as FailureReason[]).map((reason) => [
    reason,
    { when: failures[reason].meaning, remedy: remedies[reason] },
  ]),
) as Record<FailureReason, ReasonRow>;

/** Reasons by topic. Each group is a section of the generated reference page. */
export const reasonGroups = { progress, success, waiting, failing, failed, deviceClass } as const;

/** A reason that status or an event can show. */
export type Reason = {
  [G in keyof typeof reasonGroups]: keyof (typeof reasonGroups)[G];
}[keyof typeof reasonGroups];

/** All reasons in one table. */
export const reasons: Readonly<Record<Reason, ReasonRow>> = {
  ...progress,
  ...success,
  ...waiting,
  ...failing,
  ...failed,
  ...deviceClass,
};
