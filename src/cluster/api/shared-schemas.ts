/** Schemas that several kinds share. */
import { sha256 } from '../../ground/contract/result-schema.ts';
import { flag, integer, list, map, object, oneOf, type Rule, text } from '../../ground/contract/schema.ts';
import { orInImage } from './input-uri.ts';

/** Maximum length of object names: they become label values of Jobs and pods, which have at most 63 characters. */
export const nameLimit = 63;

/** Schema of `status.observedGeneration`. */
export const observedGeneration = integer(
  'The metadata.generation that this status describes; -1 until the first reconcile.',
  { format: 'int64', minimum: -1 },
);

/** Default status. No object has generation -1, so kstatus never reports an object as current before the first reconcile. */
export const unseen = { observedGeneration: -1 } as const;

/**
 * What the status of every kind has. It has one writer, so the apiserver need not know who owns each of its fields: recording that
 * took a quarter of the processor time of a status write (docs/benchmarks.md).
 */
export const statusExtras = { default: unseen, 'x-kubernetes-map-type': 'atomic' } as const;

/** Rules for object names. They are part of Job names, which become host names of pods, where a dot is not allowed. */
export const labelName: readonly Rule[] = [
  {
    rule: `size(self.metadata.name) <= ${nameLimit}`,
    message: `the name may have at most ${nameLimit} characters because it becomes a label value: choose a shorter name`,
  },
  {
    rule: "!self.metadata.name.contains('.')",
    message: 'the name may not contain a dot because it becomes part of Job names: use - instead',
  },
];

/** Schema of an image reference with a digest. A tag is rejected because its content can change. */
export const pinnedImage = (description: string) =>
  text(description, {
    minLength: 1,
    maxLength: 512,
    validations: [
      {
        rule: "self.matches('^[^[:space:]@]+@sha256:[0-9a-f]{64}$')",
        message: 'pin the image by digest, for example registry.example.com/builder@sha256:<64 hex digits>',
      },
    ],
  });

const uriOf = (description: string, { form, wanted }: { readonly form: string; readonly wanted: Rule }) =>
  text(`${description} Form: ${form}.`, {
    maxLength: 1024,
    minLength: 1,
    validations: [
      wanted,
      {
        rule: "!self.matches('/[.][.]?(/|$)')",
        message: 'the path may not contain . or .. segments: name the file or folder directly',
      },
    ],
  });

/** Schema of the URI of a file or folder in a claim or in object storage. */
export const storageUri = (description: string) =>
  uriOf(description, {
    form: 'pvc://<claim>/<path> or s3://<bucket>/<key>',
    wanted: {
      rule: "self.matches('^(pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?|s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9])/.+$') && !self.matches('^s3://[^/]+/(.*/)?/')",
      message:
        'use the form pvc://<claim>/<path>, a path in a PersistentVolumeClaim of this namespace, or s3://<bucket>/<key>, without empty segments',
    },
  });

const dataRootUri = uriOf('The folder with the training data.', {
  form: 'pvc://<claim>/<path>, or pvc://<claim>/ for the whole claim',
  wanted: {
    rule: "self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/.*$')",
    message:
      'use the form pvc://<claim>/<path> or pvc://<claim>/: a folder in a PersistentVolumeClaim of this namespace (data loaders do not read s3://)',
  },
});

/** Schema of the training data. Experiment specs contain absolute paths of the training container, hence `pathInSpec`. */
export const dataRoot = object(
  'The training data. Relative paths in the experiment spec are resolved against it.',
  {
    uri: orInImage(dataRootUri),
    pathInSpec: text(
      'The data root as the experiment spec names it, for example /workspace/data. Absolute paths that start with it are resolved against the data root.',
      {
        maxLength: 512,
        minLength: 2,
        validations: [
          {
            rule: "self.matches('^/[^/]') && !self.matches('/[.][.]?(/|$)')",
            message:
              'pathInSpec must be an absolute path without . or .. segments, for example /workspace/data',
          },
        ],
      },
    ),
  },
  { required: ['uri'] },
);

/** Schema of `spec.experimentSpec`. */
export const experimentSpec = object(
  'The experiment spec that the model was trained with.',
  {
    configMapKeyRef: object(
      'A key of a ConfigMap in this namespace.',
      { name: text('Name of the ConfigMap.'), key: text('Key in the ConfigMap.') },
      { required: ['name', 'key'] },
    ),
    uri: orInImage(storageUri('The spec file.')),
    sha256: sha256('Pins the text of the spec: the Job fails if its digest differs.'),
  },
  {
    validations: [
      {
        rule: 'has(self.configMapKeyRef) != has(self.uri)',
        message: 'set exactly one of configMapKeyRef and uri',
      },
    ],
  },
);

/** Schema of the tolerance for images that fail to decode. */
export const maxBrokenPercent = integer(
  'Percentage of the requested images that may fail to decode. Each is logged and replaced by another image. Defaults to 0.',
  { minimum: 0, maximum: 100 },
);

/** Schema of a node selector, as in a pod. */
export const nodeSelector = map('Labels that a node must have.', text('A label value.', { maxLength: 63 }), {
  maxProperties: 32,
});

/** Schema of tolerations, as in a pod. */
export const tolerations = list(
  'Tolerations of the pod.',
  object('A toleration, as in a pod.', {
    key: text('Taint key. Empty with operator Exists tolerates all taints.', { maxLength: 317 }),
    operator: oneOf(['Exists', 'Equal'], 'How the taint value is compared.'),
    value: text('Taint value, for operator Equal.', { maxLength: 63 }),
    effect: oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], 'Taint effect. Defaults to all effects.'),
  }),
  { maxItems: 16 },
);

const requirement = object(
  'A requirement on a node label.',
  {
    key: text('Label key.', { maxLength: 317 }),
    operator: oneOf(
      ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'],
      'How the label value is compared.',
    ),
    values: list('Values to compare with.', text('A label value.', { maxLength: 63 }), {
      maxItems: 64,
    }),
  },
  { required: ['key', 'operator'] },
);

/** Kubernetes matches no node with an empty term, so at least one requirement is mandatory. */
const term = object(
  'A node selector term. A node matches if it meets all requirements of the term.',
  { matchExpressions: list('Requirements on node labels.', requirement, { minItems: 1, maxItems: 32 }) },
  { required: ['matchExpressions'] },
);

/** Schema of required node affinity, as in a pod. */
export const nodeAffinity = object(
  'Node affinity, as in a pod. Preferences are not supported because they do not guarantee hardware.',
  {
    requiredDuringSchedulingIgnoredDuringExecution: object(
      'Requirements that a node must meet.',
      {
        nodeSelectorTerms: list('Node selector terms. A node must match at least one.', term, {
          minItems: 1,
          maxItems: 16,
        }),
      },
      { required: ['nodeSelectorTerms'] },
    ),
  },
);

/** Schema of `spec.suspend`. */
export const suspend = flag('While true, no Job starts and running Jobs are suspended.', { default: false });

/** Schema of `status.progress`. */
export const progress = text('Current activity, in a few words.', { maxLength: 256 });

/** Schema of the URI of a stored file, in status. */
export const fileUri = text('URI of the file.', { maxLength: 2048 });
