/** Flags of tools that read object storage. */
import type { FlagTable } from './flag-table.ts';
import { credentialFiles, defaultRegion } from './s3-settings.ts';

/** Where the server of `s3://` URIs is, and how it is reached. */
export const objectStorageFlags = {
  s3_endpoint: {
    type: 'text',
    placeholder: 'URL',
    help: 'Server of an s3:// SOURCE, for example https://minio.example.com:9000. Default: AWS.',
  },
  s3_region: {
    type: 'text',
    placeholder: 'REGION',
    default: defaultRegion,
    help: 'Region of the bucket.',
  },
  s3_credentials: {
    type: 'text',
    placeholder: 'FOLDER',
    help: `Folder with the credentials in the files ${Object.values(credentialFiles).join(', ')}, as a Secret of spec.s3 is mounted; the last one is optional. Default: where the SDK of AWS looks: environment, profile, workload identity.`,
  },
  s3_ca: {
    type: 'text',
    placeholder: 'FILE',
    help: 'Certificate authorities of the server, in PEM format, in place of the public ones.',
  },
} as const satisfies FlagTable;
