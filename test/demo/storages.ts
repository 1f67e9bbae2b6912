/** Where the files of the demo are: in claims, or in object storage. */
import type { DemoCluster } from '../cluster/cluster.ts';
import type { S3Server } from '../storage/s3-server.ts';
import { applySampleInS3, layOutInS3, readStored, startObjectStorage } from './object-storage.ts';
import { applySample, layOut, namespace } from './scenario.ts';

export type DemoStorage = {
  /** For messages. */
  readonly name: string;
  /** Creates a namespace, the packed model, the photos and the Secrets. */
  readonly layOut: () => Promise<unknown>;
  readonly applySample: () => Promise<void>;
  /** Reads a stored file by its URI. */
  readonly read: (uri: string) => Promise<Uint8Array>;
  readonly stop: () => Promise<void>;
};

export const inClaims = (cluster: DemoCluster): DemoStorage => ({
  name: 'claims',
  layOut: () => layOut(cluster),
  applySample: () => applySample(cluster),
  read: (uri) => {
    const { hostname: name, pathname } = new URL(uri);
    return cluster.readClaim({ namespace, name }, decodeURIComponent(pathname));
  },
  stop: async () => {},
});

/** `layOut` starts the server. */
export const inObjectStorage = (cluster: DemoCluster): DemoStorage => {
  let server: S3Server | undefined;
  return {
    name: 'an S3 server, and no claim',
    layOut: async () => {
      server = await startObjectStorage();
      await layOutInS3(cluster, server);
    },
    applySample: () => applySampleInS3(cluster, server!),
    read: (uri) => readStored(server!, uri),
    stop: async () => server?.stop(),
  };
};
