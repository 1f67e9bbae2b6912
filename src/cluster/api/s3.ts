/** `spec.s3`: how pods reach object storage, for the `s3://` URIs of an object. */
import { defaultRegion } from '../../ground/contract/s3-settings.ts';
import { flag, object, type Rule, text, type ValueOf } from '../../ground/contract/schema.ts';
import { memoryQuantity } from './jobs-schema.ts';

const defaultScratch = '10Gi';

/** Schema of `spec.s3`. One server per object; other objects can use others. */
export const s3 = object(
  'The object storage of all s3:// URIs of this object: AWS S3, or a server with its API. Only pods connect to it.',
  {
    endpoint: text('URL of the server, for example https://minio.example.com:9000. AWS if unset.', {
      maxLength: 512,
      minLength: 1,
      validations: [
        {
          rule: "self.matches('^https?://[^/?#@[:space:]]+/?$')",
          message: 'use the form https://<host>:<port>, without a path, a user or a query',
        },
      ],
    }),
    region: text('Region of the buckets.', {
      default: defaultRegion,
      maxLength: 63,
      pattern: '^[a-z0-9-]+$',
    }),
    pathStyle: flag(
      'Whether requests name the bucket in the path and not in the host name. Defaults to true if endpoint is set, and to false otherwise.',
    ),
    credentialsSecretRef: object(
      'The Secret with the credentials, in the keys AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN. Pods mount it as files; the operator never reads it. If unset, pods use what their service account provides: the token of a workload identity.',
      { name: text('Name of the Secret in this namespace.', { minLength: 1 }) },
      { required: ['name'] },
    ),
    caConfigMapKeyRef: object(
      'The certificate authorities of the endpoint, in PEM format, in place of the public ones.',
      {
        name: text('Name of the ConfigMap in this namespace.', { minLength: 1 }),
        key: text('Key in the ConfigMap.', { default: 'ca.crt', minLength: 1 }),
      },
      { required: ['name', 'key'] },
    ),
    scratchSize: {
      ...memoryQuantity(
        'Disk space of each pod for objects that must be whole on disk: model, tensorfile and artifacts. Images are not. Pods get this much ephemeral storage in addition to their limit.',
      ),
      default: defaultScratch,
    },
  },
  { required: ['region', 'scratchSize'] },
);

/** `spec.s3`, with defaults filled in. */
export type S3Spec = ValueOf<typeof s3>;

/**
 * The rule that `s3` is present if one of these fields has an `s3://` URI.
 * @param fields CEL paths from `self`; the parts before the last may be absent
 */
export const requireS3 = (fields: readonly string[]): Rule => ({
  rule: `has(self.s3) || !(${fields.map(hasS3Uri).join(' || ')})`,
  message: 's3:// URIs require spec.s3: set its endpoint, or {} for AWS, and credentialsSecretRef',
});

const hasS3Uri = (field: string): string => {
  const names = field.split('.');
  const paths = names.map((_, at) => `self.${names.slice(0, at + 1).join('.')}`);
  return `(${[...paths.map((path) => `has(${path})`), `${paths.at(-1)}.startsWith('s3://')`].join(' && ')})`;
};
