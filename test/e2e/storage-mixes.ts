/** One small export per mix of storage: from a claim or object storage, to the other or the same. Claims alone are the other tests. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import type { DemoCluster } from '../cluster/cluster.ts';
import { allowObjectStorage, readStored, s3Of, startObjectStorage } from '../demo/object-storage.ts';
import { isReady, namespace, readExport, sampleName, untilStatus } from '../demo/scenario.ts';
import type { S3Server } from '../storage/s3-server.ts';

const mixes = [
  { name: 'from-claim-to-s3', from: 'pvc', to: 's3' },
  { name: 'from-s3-to-claim', from: 's3', to: 'pvc' },
  { name: 'from-s3-to-s3', from: 's3', to: 's3' },
] as const;

/** Starts a server with the inputs of the export `like`, which is in claims, and applies one like it for each mix. */
export const startMixes = async (
  cluster: DemoCluster,
  { models, like }: { readonly models: string; readonly like: string },
): Promise<S3Server> => {
  const server = await startObjectStorage();
  for (const name of ['small.tlt', 'calibration'])
    cpSync(join(models, name), server.at('models', name), { recursive: true });
  await allowObjectStorage(cluster, server);
  const { apiVersion, kind, spec } = await readExport(cluster, like);
  const items = mixes.map(({ name, from, to }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: {
      ...inStorage(spec, from),
      keySecretRef: { name: `${sampleName}-key`, key: 'key' },
      output: { uri: `${to}://exports/${name}` },
      s3: s3Of(server),
    },
  }));
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return server;
};

type Spec = ModelExport['spec'];

const inStorage = (spec: Spec, scheme: 'pvc' | 's3'): Spec =>
  JSON.parse(JSON.stringify(spec).replaceAll('pvc://models/', `${scheme}://models/`)) as Spec;

type Stored = {
  readonly cluster: DemoCluster;
  readonly server: S3Server;
  /** Path of a file of a claim on this machine. */
  readonly fileOf: (uri: string) => string;
  readonly like: string;
};

/** Each mix becomes Ready, with the cache of the export in claims byte for byte, and every file has the digest of status. */
export const compareMixes = async (
  t: ExecutionContext,
  { cluster, server, fileOf, like }: Stored,
): Promise<void> => {
  const ready = (name: string) => untilStatus(cluster, name, { holds: isReady, limitMs: 300_000 });
  const wanted = (await ready(like)).export!.calibrationCache!.sha256;
  for (const { name, to } of mixes) {
    const { export: exported, engines } = await ready(name);
    const { etlt, calibrationCache } = exported!;
    t.is(calibrationCache!.sha256, wanted, name);
    const [engine] = engines!;
    for (const { uri, sha256: digest } of [etlt!, calibrationCache!, engine!]) {
      t.true(uri!.startsWith(`${to}://exports/${name}/`), uri!);
      const bytes = to === 's3' ? await readStored(server, uri!) : readFileSync(fileOf(uri!));
      t.is(sha256(bytes), digest!, uri!);
    }
    t.is(engine!.agreement!.images, 8, name);
  }
  // A Helm release brings its own, and does not take over those of others.
  await cluster.kubectl(['delete', 'networkpolicies', '-n', namespace, '--all']);
};
