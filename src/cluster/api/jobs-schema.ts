/** `spec.jobs`: what the Jobs and pods of an object carry beside their work. */
import { integer, keyedList, map, object, quantity, text } from '../../ground/contract/schema.ts';
import { nodeSelector, tolerations } from './shared-schemas.ts';

const amount = quantity('An amount, for example 2 or 4Gi.', {
  pattern: '^[0-9]+([.][0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$',
});

export const memoryQuantity = (description: string) =>
  quantity(description, { pattern: '^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$' });

export const resources = (description: string) =>
  object(
    description,
    {
      requests: map('Resources that the scheduler reserves, by name.', amount, { maxProperties: 16 }),
      limits: map('Resources that the container cannot exceed, by name.', amount, { maxProperties: 16 }),
    },
    {
      validations: [
        {
          rule: '!has(self.requests) || !has(self.limits) || self.requests.all(k, !(k in self.limits) || quantity(string(self.requests[k])).compareTo(quantity(string(self.limits[k]))) <= 0)',
          message: 'a request is larger than its limit: raise the limit or lower the request',
        },
      ],
    },
  );

/** A name that the apiserver takes for most objects. */
const objectName = { maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' } as const;

export const className = (description: string) => text(description, objectName);

const qualifiedKey =
  "k.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')";
const ownKeys = "k.startsWith('export.tlt.dev/') || k.startsWith('batch.kubernetes.io/')";

const metadataMap = (description: string, value: { readonly maxLength: number; readonly pattern?: string }) =>
  map(description, text('The value under that name.', value), {
    maxProperties: 32,
    validations: [
      {
        rule: `self.all(k, ${qualifiedKey})`,
        message: 'write each name as [prefix/]name with letters, digits, -, _ and . in the name',
      },
      {
        rule: `self.all(k, !(${ownKeys}))`,
        message:
          'names that begin with export.tlt.dev/ or batch.kubernetes.io/ are set by controllers: choose another prefix',
      },
    ],
  });

const metadata = object('Metadata of every Job and pod.', {
  labels: metadataMap('Labels, for example a queue name.', {
    maxLength: 63,
    pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$',
  }),
  annotations: metadataMap('Annotations.', { maxLength: 4096 }),
});

const imagePullSecrets = keyedList(
  'Secrets for pulling images.',
  object('A Secret of this namespace.', { name: text('Its name.', objectName) }, { required: ['name'] }),
  { key: 'name', maxItems: 8 },
);

/** For the pods of any object. */
export const podFields = {
  metadata,
  serviceAccountName: text('Runs the pods as this ServiceAccount; its token is never mounted.', objectName),
  priorityClassName: text('PriorityClass of the pods.', objectName),
  imagePullSecrets,
} as const;

export const deadlineSeconds = integer(
  'Seconds that the pod may run, counted from the start of its first container; waiting does not count. 6 hours if left out.',
  { format: 'int64', minimum: 60, maximum: 604800 },
);

export const managedBy = text(
  'The controller that acts on this object. This operator leaves an object with any other value than export.tlt.dev/operator alone.',
  {
    minLength: 1,
    maxLength: 63,
    validations: [
      {
        rule: 'self == oldSelf',
        message: 'managedBy cannot change: create another object for another controller',
      },
    ],
  },
);

export const placement = object('Nodes where the pod may run.', { nodeSelector, tolerations });

export const helpers = object('The containers that copy files and verify them.', {
  resources: resources('Resources of each of these containers.'),
});
