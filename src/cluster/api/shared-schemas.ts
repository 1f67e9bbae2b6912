/** Pieces that several kinds use. */
import { sha256 } from '../../ground/contract/result-schema.ts';
import { integer, list, map, object, oneOf, type Rule, text } from '../../ground/contract/schema.ts';

/** Names become labels of Jobs and pods, whose values have at most 63 characters. */
export const nameLimit = 63;

/** Of every status. */
export const observedGeneration = integer(
  'The metadata.generation that this status describes; -1 before the first reconcile.',
  { format: 'int64', minimum: -1 },
);

/** Until the first write: a generation that no object has, so that nobody takes an unseen object for a finished one. */
export const unseen = { observedGeneration: -1 } as const;

/** The beginning of a name is part of Job names, which are the host names of pods: a dot has a meaning there. */
export const labelName: readonly Rule[] = [
  {
    rule: `size(self.metadata.name) <= ${nameLimit}`,
    message: `the name may have ${nameLimit} characters, because it becomes a label: choose a shorter one`,
  },
  {
    rule: "!self.metadata.name.contains('.')",
    message: 'the name may not contain a dot, because it becomes part of Job names: use - instead',
  },
];

/** An image that names bytes and not a tag. */
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

/** Object stores come later; the message of the rule says so. */
const uriOf = (description: string, { form, wanted }: { readonly form: string; readonly wanted: Rule }) =>
  text(`${description} Form: ${form}.`, {
    maxLength: 1024,
    minLength: 1,
    validations: [
      wanted,
      {
        rule: "!self.matches('/[.][.]?(/|$)')",
        message: 'the path may not hold . or .. as a part: name the file or folder directly',
      },
    ],
  });

export const storageUri = (description: string) =>
  uriOf(description, {
    form: 'pvc://<claim>/<path>',
    wanted: {
      rule: "self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/.+$')",
      message: 'write pvc://<claim>/<path>: a path inside a PersistentVolumeClaim of this namespace',
    },
  });

const dataRootUri = uriOf('The folder that holds the training data.', {
  form: 'pvc://<claim>/<path>, or pvc://<claim>/ for all of it',
  wanted: {
    rule: "self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/.*$')",
    message:
      'write pvc://<claim>/<path>, or pvc://<claim>/: a folder of a PersistentVolumeClaim of this namespace',
  },
});

/** Training specs name absolute paths of the container that trained, which is not the one that reads them here. */
export const dataRoot = object(
  'Where the training data lie. Relative paths in the experiment spec lie below it.',
  {
    uri: dataRootUri,
    pathInSpec: text(
      'The folder by which the experiment spec names the data root, for example /workspace/data: absolute paths that begin with it lie below the data root.',
      {
        maxLength: 512,
        minLength: 2,
        validations: [
          {
            rule: "self.matches('^/[^/]') && !self.matches('/[.][.]?(/|$)')",
            message:
              'write pathInSpec as an absolute path without . or .. in it, for example /workspace/data',
          },
        ],
      },
    ),
  },
  { required: ['uri'] },
);

export const experimentSpec = object(
  'The experiment spec that the model was trained with.',
  {
    configMapKeyRef: object(
      'A key of a ConfigMap in this namespace.',
      { name: text('Name of the ConfigMap.'), key: text('Which key of it.') },
      { required: ['name', 'key'] },
    ),
    uri: storageUri('The spec file.'),
    sha256: sha256('Pins the text of the spec: the Job fails if it is another one.'),
  },
  {
    validations: [
      {
        rule: 'has(self.configMapKeyRef) != has(self.uri)',
        message: 'give the experiment spec by configMapKeyRef or by uri, one of the two',
      },
    ],
  },
);

export const maxBrokenPercent = integer(
  'Percent of the images wanted that may be broken; each is named in the log and another one takes its place. None if left out.',
  { minimum: 0, maximum: 100 },
);

export const nodeSelector = map(
  'Labels that a node must carry.',
  text('The value of the label.', { maxLength: 63 }),
  { maxProperties: 32 },
);

export const tolerations = list(
  'Taints that do not keep the pod off a node.',
  object('A toleration, as in a pod.', {
    key: text('The taint key; empty with operator Exists tolerates all.', { maxLength: 317 }),
    operator: oneOf(['Exists', 'Equal'], 'How the value is compared.'),
    value: text('The taint value, for Equal.', { maxLength: 63 }),
    effect: oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], 'The taint effect; all if left out.'),
  }),
  { maxItems: 16 },
);

const requirement = object(
  'A condition on a node label.',
  {
    key: text('The label key.', { maxLength: 317 }),
    operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'], 'How the label is compared.'),
    values: list('What it is compared with.', text('A value of the label.', { maxLength: 63 }), {
      maxItems: 64,
    }),
  },
  { required: ['key', 'operator'] },
);

/** A term without conditions would match nothing, which nobody can mean. */
const term = object(
  'Alternatives of a node selector: all conditions of one term must hold.',
  { matchExpressions: list('Conditions on labels.', requirement, { minItems: 1, maxItems: 32 }) },
  { required: ['matchExpressions'] },
);

export const nodeAffinity = object(
  'Node affinity, as in a pod; only what is required, since a preference proves nothing.',
  {
    requiredDuringSchedulingIgnoredDuringExecution: object(
      'What a node must fulfil.',
      { nodeSelectorTerms: list('Any one of these terms is enough.', term, { minItems: 1, maxItems: 16 }) },
      { required: ['nodeSelectorTerms'] },
    ),
  },
);
