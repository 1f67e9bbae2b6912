/** Pieces that several kinds use. */
import { keyedList, list, map, object, oneOf, type Rule, text } from './schema.ts';

/** Names of device classes and model exports are short, so that `<export>-<class>-<8 digits>` fits a 63-character label. */
export const nameLimits = { modelExport: 30, deviceClass: 22 } as const;

/** Until the first write: a generation that no object has, so that nobody takes an unseen object for a finished one. */
export const unseen = { observedGeneration: -1 } as const;

export const sha256 = (description: string) =>
  text(description, { pattern: '^[0-9a-f]{64}$', maxLength: 64 });

/** A Job's name is also its pods' host name, and there a dot means something else. */
export const shortName = (limit: number): readonly Rule[] => [
  {
    rule: `size(self.metadata.name) <= ${limit}`,
    message: `the name may have ${limit} characters, so that the names of Jobs fit: choose a shorter one`,
  },
  {
    rule: "!self.metadata.name.contains('.')",
    message: 'the name may not hold a dot, because it becomes part of Job names: use - instead',
  },
];

/** Object stores come later; the message of the rule says so. */
export const storageUri = (description: string) =>
  text(`${description} Form: pvc://<claim>/<path>.`, {
    maxLength: 1024,
    minLength: 1,
    validations: [
      {
        rule: "self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/.+$')",
        message: 'write pvc://<claim>/<path>: a path inside a PersistentVolumeClaim of this namespace',
      },
      {
        rule: "!self.matches('/[.][.]?(/|$)')",
        message: 'the path may not hold . or .. as a part: name the file or folder directly',
      },
    ],
  });

const quantity = (description: string) =>
  text(description, { maxLength: 32, pattern: '^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$' });

export const memoryQuantity = (description: string) =>
  text(description, { maxLength: 32, pattern: '^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$' });

export const resources = (description: string) =>
  object(description, {
    requests: map(
      'What the scheduler sets aside, by resource name.',
      quantity('An amount, for example 2 or 4Gi.'),
      16,
    ),
    limits: map(
      'What may not be exceeded, by resource name.',
      quantity('An amount, for example 2 or 4Gi.'),
      16,
    ),
  });

export const nodeSelector = map(
  'Labels that a node must carry.',
  text('The value of the label.', { maxLength: 63 }),
  32,
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

export const localReferences = keyedList(
  'Secrets for pulling images.',
  object('A Secret of this namespace.', { name: text('Its name.') }, { required: ['name'] }),
  { key: 'name', maxItems: 8 },
);

export const labelMap = (description: string, maxLength: number) =>
  map(description, text('The value under that name.', { maxLength }), 32);
