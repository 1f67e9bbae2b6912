/**
 * Every reason that a condition, an engine's entry in status, or an event can show: when it appears and what the
 * user does about it. A reason is API: add rows, never rename them.
 */

import { type FailureReason, failures } from '../../ground/base/failures.ts';
import { installation } from '../../ground/contract/installation.ts';

export type ReasonRow = {
  /** When it appears. */
  readonly when: string;
  /** What the user does; undefined where nothing is to be done. */
  readonly remedy?: string;
};

/** The last words of a remedy outside the object, which the operator cannot see. */
const thenRequest = 'then set the annotation export.tlt.dev/requested-at to a new value';

/** What to do about each failure of a tool or a pod; what the failures mean is in their own table. */
const remedies: Readonly<Record<FailureReason, string>> = {
  Internal: "Nothing at first: it is tried again for a day. Report it with the pod's log.",
  Usage: 'Upgrade operator and worker image together: they do not understand each other.',
  WrongKey: `Put the key that the model was trained with into the Secret, ${thenRequest}.`,
  KeyMissing: `Give the Secret a value under spec.keySecretRef.key, ${thenRequest}.`,
  InputNotFound: `Fix the URI that the message names; or put the file there, ${thenRequest}.`,
  ModelInvalid: `Copy the whole model file again, ${thenRequest}.`,
  ModelForeign:
    'Set spec.codec to an image with a program that opens it, or give the plain ONNX or the .hdf5 of the training.',
  ModelUnsupported: 'Choose the spec.architecture that the model was trained as.',
  ExportDiffers: `Export the float model of the training, with its Relu and Clip nodes, ${thenRequest}; or report it with the model and the message.`,
  CacheIncomplete:
    'Leave the layers that read the tensors of the message in float (spec.calibration.keepFloat), or export the model in another form.',
  Int8ShareTooLow:
    'Export the model with constant weights, let the classes build fp16, or set spec.calibration.requireInt8 to false.',
  DigestMismatch: `Pin the new file; or put the pinned file back, ${thenRequest}.`,
  LayerNotFound: 'Fix spec.calibration.keepFloat: the message has the nearest name.',
  CodecFailed: "Read the program's own words in the message, and fix spec.codec or its image.",
  TooFewImages: `Lower spec.calibration.batches or batchSize (spec.maxBatches of a CalibrationTensorfile); or add images, ${thenRequest}.`,
  ImageInvalid: `Remove or replace the image that the message names, ${thenRequest}.`,
  CalibrationSourceMissing: 'Set spec.calibration.',
  CalibrationFailed: `Look for broken weights or inputs at the tensor that the message names, replace them, ${thenRequest}.`,
  CacheInvalid: `Remove the cache so that it is made again, ${thenRequest}.`,
  SpecInvalid: `Fix the experiment spec where the message points, ${thenRequest}.`,
  TensorfileInvalid: `Make the tensorfile again for this model and batch size, ${thenRequest}.`,
  DatasetInvalid: `Convert the data set again or remove the file that the message names, ${thenRequest}.`,
  HistogramsInvalid: `Remove the histograms that the message names, ${thenRequest}: they are counted again.`,
  AgreementTooLow:
    'Leave the layers that the message names in float (spec.calibration.keepFloat), calibrate with more images, choose the algorithm Mse or Auto, or let the classes build fp16; or lower spec.calibration.minAgreement.',
  OutputExists: `Choose another spec.output.uri; or move what is there, ${thenRequest}.`,
  OutputUnwritable: `Give the volume write permission for the uid of the pod (fsGroup ${installation.uid}), ${thenRequest}.`,
  DiskFull: 'Make room on the volume; it is tried again for a day.',
  EngineBuildFailed:
    "Read the builder's own words in the message; a smaller maxWorkspaceSize or another dataType may help.",
  EngineUnsupported: 'Choose the dataType or compute capability that the message names.',
  EngineVerificationFailed: 'Choose a higher precision for this class, or calibrate with more images.',
  StorageUnavailable: 'Bring the store back; it is tried again for a day.',
  Interrupted: 'Nothing at first: it is tried again for a day. If it recurs, find out what stops the pods.',
  OutOfMemory:
    'Raise the limit of memory in spec.jobs: export, engine, or helpers for the containers stage, publish and install; or take a smaller batch or model.',
};

const progress = {
  Exporting: { when: 'The export runs, or its Job is about to be made.' },
  WritingTensorfile: {
    when: 'CalibrationTensorfile: images are sampled and written, or the Job for it is about to be made.',
  },
  WaitingForTensorfile: {
    when: 'The export starts when the CalibrationTensorfile that it refers to is ready; the message names it.',
    remedy: 'Nothing at first. If the message says that the CalibrationTensorfile is stalled, fix that one.',
  },
  BuildingEngines: { when: 'The export is done and at least one engine is being built.' },
  Building: { when: "This class's engine is being built; an older engine stays until it is done." },
  WaitingForExport: { when: 'The engine starts when the export is done.' },
  Suspended: {
    when: 'While spec.suspend is true, once every Job is suspended or deleted; nothing is started.',
    remedy: 'Set spec.suspend to false to continue.',
  },
  Suspending: { when: 'spec.suspend has become true, and a Job still runs.' },
  Queued: {
    when: 'The Job was suspended by a queue such as Kueue, or by a person: it starts when it is resumed there.',
    remedy: 'Look at the queue of the Job; the operator never resumes what it did not suspend.',
  },
} as const satisfies Record<string, ReasonRow>;

const success = {
  Ready: { when: 'Every artifact is stored; of a CalibrationTensorfile: the file is.' },
  Exported: { when: 'The .etlt is stored.' },
  Calibrated: { when: 'The calibration cache is stored.' },
  AllBuilt: { when: 'Every engine is stored.' },
  Built: { when: "This class's engine is stored and verified." },
} as const satisfies Record<string, ReasonRow>;

const waiting = {
  KeySecretMissing: {
    when: 'The pod waits for the Secret of spec.keySecretRef, or for the key in it.',
    remedy: 'Create the Secret; the pod starts by itself.',
  },
  TensorfileMissing: {
    when: 'spec.calibration.tensorfile.calibrationTensorfileRef is the name of no CalibrationTensorfile.',
    remedy: 'Create the CalibrationTensorfile, or fix its name; the export starts by itself.',
  },
  SpecMissing: {
    when: 'The pod waits for the ConfigMap of spec.experimentSpec.configMapKeyRef, or for the key in it.',
    remedy: 'Create the ConfigMap; the pod starts by itself.',
  },
  ClaimMissing: {
    when: 'The pod waits for a PersistentVolumeClaim that a pvc:// URI names.',
    remedy: 'Create the claim; the pod starts by itself.',
  },
  ImagePullFailed: {
    when: 'The node cannot pull an image.',
    remedy: "Fix the operator's image flags, the class's engine.image or spec.jobs.imagePullSecrets.",
  },
  Unschedulable: {
    when: "No node takes the pod now; the message is the scheduler's own.",
    remedy: 'Free or add a node, or tolerate its taint in the device class.',
  },
  JobRefused: {
    when: 'The apiserver refuses to create the Job; the message has its words. A quota or a webhook may let it pass later; a Job that is not valid is Stalled.',
    remedy:
      'Do what the message asks for: raise or free the quota, or change the webhook (it is tried again each minute), or change spec.jobs or the device class.',
  },
  WaitingForTwin: {
    when: 'Another object of this namespace is making the same artifact in the same folder.',
    remedy: 'Nothing: its result is taken when it is done.',
  },
  PodRefused: {
    when: "The Job cannot make its pod: a quota, a LimitRange, an admission policy or a missing ServiceAccount refuses it; the message is the Job controller's own.",
    remedy: 'Do what the message asks for, in the namespace or in spec.jobs; the pod is made by itself then.',
  },
  VolumeUnreachable: {
    when: 'No node that fits can reach the volume of a claim: it belongs to another zone, or to one node.',
    remedy:
      'Use a claim that all nodes of the device classes reach (ReadWriteMany), or place the export where its engines are built.',
  },
  VolumeInUse: {
    when: 'The volume of a claim cannot be attached to the node, most often because another node has it (ReadWriteOnce).',
    remedy:
      'Nothing at first: it is attached when the other pod ends. Use ReadWriteMany to build on several nodes at once.',
  },
  PodWaiting: {
    when: 'The pod waits for something else, which the message names.',
    remedy: 'Read the message; the pod starts by itself once the cause is gone.',
  },
  NodeLost: {
    when: 'The node of the pod is not ready: nobody knows whether the pod still runs.',
    remedy:
      'Bring the node back, or delete the Node object if it is gone for good; the pod is then replaced.',
  },
  DeviceClassMissing: {
    when: 'A name in spec.deviceClasses is that of no ExportDeviceClass.',
    remedy: 'Create the ExportDeviceClass, or fix its name.',
  },
  BackendNotAvailable: {
    when: 'The class asks for an engine backend that this version does not build.',
    remedy: 'Choose TensorRtRtx or OnnxRuntime, or upgrade the operator.',
  },
  NoMatchingNode: {
    when: 'No ready node belongs to the device class, and the class does not set allowPending.',
    remedy: "Add a node, fix the class's selector or hardware, or set allowPending for an autoscaler.",
  },
} as const satisfies Record<string, ReasonRow>;

const trouble = {
  EnginesFailed: {
    when: 'At least one engine failed, and no other one can start by itself.',
    remedy: 'Read the message of each failed class and do what its reason asks for.',
  },
  Stopped: {
    when: 'Another class failed, and spec.failurePolicy is FailFast.',
    remedy: 'Fix the class that failed, or set failurePolicy to Continue.',
  },
  DeadlineExceeded: {
    when: 'A pod ran longer than its deadlineSeconds in spec.jobs; waiting does not count.',
    remedy: 'Raise the deadlineSeconds.',
  },
  PodFailed: {
    when: 'A pod ended without a report: it crashed, was deleted, or its node was lost.',
    remedy: "Nothing at first: it is tried again for a day. If it recurs, read the pod's log.",
  },
  Disrupted: {
    when: 'The pod was evicted or preempted, or its node was drained or lost.',
    remedy:
      'Nothing at first: it is tried again for a day. If it recurs, read the message: the pod may use more disk or memory than its node has.',
  },
  ResultLost: {
    when: 'A Job finished, but its pod was deleted before its result was read.',
    remedy: 'Nothing: it is tried again, and finds what is stored.',
  },
  ResultInvalid: {
    when: 'A pod ended well, but what it reported is not what its schema describes; the message names the field.',
    remedy:
      'Upgrade operator and worker image together, and find out what else runs in the pod; it is tried again for a day.',
  },
} as const satisfies Record<string, ReasonRow>;

const deviceClass = {
  Observed: { when: 'The class is well formed and its backend is available: engines can be built for it.' },
  NodesMatch: { when: 'At least one ready node belongs to the class.' },
  NodesAlike: { when: 'The nodes of the class agree in architecture, compute capability and GPU product.' },
  NodesDiffer: {
    when: 'The nodes of the class differ in architecture, compute capability or GPU product: an engine of one need not run on another.',
    remedy: 'Narrow the class by hardware or nodeSelector, or split it in two.',
  },
} as const satisfies Record<string, ReasonRow>;

const failed = Object.fromEntries(
  (Object.keys(failures) as FailureReason[]).map((reason) => [
    reason,
    { when: failures[reason].meaning, remedy: remedies[reason] },
  ]),
) as Record<FailureReason, ReasonRow>;

/** By what they tell; the groups are the chapters of the generated reference. */
export const reasonGroups = { progress, success, waiting, trouble, failed, deviceClass } as const;

export type Reason = {
  [G in keyof typeof reasonGroups]: keyof (typeof reasonGroups)[G];
}[keyof typeof reasonGroups];

export const reasons: Readonly<Record<Reason, ReasonRow>> = {
  ...progress,
  ...success,
  ...waiting,
  ...trouble,
  ...failed,
  ...deviceClass,
};
