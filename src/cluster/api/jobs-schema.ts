/** `spec.jobs`: settings of the Jobs and pods of an object. */

import { installation } from '../../ground/contract/installation.ts';
import { integer, keyedList, map, object, oneOf, quantity, text } from '../../ground/contract/schema.ts';
import { exportGroup } from './group.ts';
import { nodeSelector, tolerations } from './shared-schemas.ts';

const amount = quantity('A quantity, for example 2 or 4Gi.', {
  pattern: '^[0-9]+([.][0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$',
});

/** Schema of an amount of memory in bytes, for example `4Gi`. */
export const memoryQuantity = (description: string) =>
  quantity(description, { pattern: '^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$' });

/** Schema of a container's resource requests and limits. */
export const resources = (description: string) =>
  object(
    description,
    {
      requests: map('Resource requests, by name.', amount, { maxProperties: 16 }),
      limits: map('Resource limits, by name.', amount, { maxProperties: 16 }),
    },
    {
      validations: [
        {
          rule: '!has(self.requests) || !has(self.limits) || self.requests.all(k, !(k in self.limits) || quantity(string(self.requests[k])).compareTo(quantity(string(self.limits[k]))) <= 0)',
          message: 'a request exceeds its limit: raise the limit or lower the request',
        },
      ],
    },
  );

/** Names of most Kubernetes objects: DNS subdomains. */
const objectName = { maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' } as const;

/** Schema of the name of a cluster-wide class, such as a RuntimeClass. */
export const className = (description: string) => text(description, objectName);

const qualifiedKey =
  "k.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')";
const ownKeys = `k.startsWith('${exportGroup.group}/') || k.startsWith('batch.kubernetes.io/')`;

const metadataMap = (description: string, value: { readonly maxLength: number; readonly pattern?: string }) =>
  map(description, text('Value of the label or annotation.', value), {
    maxProperties: 32,
    validations: [
      {
        rule: `self.all(k, ${qualifiedKey})`,
        message: 'write each key as [prefix/]name; the name may contain letters, digits, -, _ and .',
      },
      {
        rule: `self.all(k, !(${ownKeys}))`,
        message: `keys with the prefix ${exportGroup.group}/ or batch.kubernetes.io/ are reserved for controllers: choose another prefix`,
      },
    ],
  });

const metadata = object('Metadata added to every Job and pod.', {
  labels: metadataMap('Labels, for example the queue name of Kueue.', {
    maxLength: 63,
    pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$',
  }),
  annotations: metadataMap('Annotations.', { maxLength: 4096 }),
});

const imagePullSecrets = keyedList(
  'Secrets for pulling images.',
  object(
    'A Secret in this namespace.',
    { name: text('Name of the Secret.', objectName) },
    { required: ['name'] },
  ),
  { key: 'name', maxItems: 8 },
);

/** Ids up to the maximum of the apiserver; 0 is root, which the restricted Pod Security Standard forbids as a user. */
const id = (description: string, minimum: 0 | 1) =>
  integer(description, { format: 'int64', minimum, maximum: 2147483647 });

const podSecurity = object(
  'User and group of the pods. They never run as root.',
  {
    idsFrom: oneOf(
      ['Operator', 'Platform'],
      'Source of the ids. Operator: the ids below. Platform: none are set, so that admission sets them from the range of the namespace, as on OpenShift. Defaults to Operator.',
    ),
    runAsUser: id(`User id. Defaults to ${installation.uid}.`, 1),
    fsGroup: id(
      `Group id, also of the files that pods write to volumes. Defaults to ${installation.uid}.`,
      0,
    ),
  },
  {
    validations: [
      {
        rule: "!has(self.idsFrom) || self.idsFrom != 'Platform' || (!has(self.runAsUser) && !has(self.fsGroup))",
        message: 'idsFrom: Platform does not allow ids: remove runAsUser and fsGroup',
      },
    ],
  },
);

/** Fields of `spec.jobs` that all kinds have. */
export const podFields = {
  metadata,
  serviceAccountName: text('ServiceAccount of the pods. Its token is never mounted.', objectName),
  priorityClassName: text('PriorityClass of the pods.', objectName),
  imagePullSecrets,
  podSecurity,
} as const;

/** Schema of the deadline of one Job, in seconds. */
export const deadlineSeconds = integer(
  'Maximum run time of the pod in seconds, from the start of its first container; time spent pending does not count. Defaults to 6 hours.',
  { format: 'int64', minimum: 60, maximum: 604800 },
);

/** Schema of `spec.managedBy`, which hands an object to another controller (as `spec.managedBy` of a Job does). */
export const managedBy = text(
  `The controller that reconciles this object. This operator ignores objects with any value other than ${installation.controller}.`,
  {
    minLength: 1,
    maxLength: 63,
    validations: [
      {
        rule: 'self == oldSelf',
        message: 'managedBy is immutable: create another object for another controller',
      },
    ],
  },
);

/** Schema of the scheduling constraints of one Job's pod. */
export const placement = object('Nodes that the pod may run on.', { nodeSelector, tolerations });

/** Schema of the settings of our own init and publish containers. */
export const helpers = object('The containers stage, publish and install, which copy and verify files.', {
  resources: resources('Resources of each of these containers.'),
});
