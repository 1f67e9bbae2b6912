/**
 * One small export per mix of storage: from a claim or object storage, to the other or the same. Claims alone are the other tests.
 * The export that has no claim at all uses TLS with an authority of its own.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import type { Cluster, DemoCluster } from '../cluster/cluster.ts';
import { kubernetesServiceAddress } from '../cluster/control-plane.ts';
import { allowObjectStorage, readStored, s3Of, startObjectStorage } from '../demo/object-storage.ts';
import { isReady, namespace, readExport, sampleName, untilStatus } from '../demo/scenario.ts';
import { makeCertificates } from '../storage/certificates.ts';
import type { S3Server } from '../storage/s3-server.ts';
import { runPlugin } from './fetched.ts';

const mixes = [
  { name: 'from-claim-to-s3', from: 'pvc', to: 's3', by: 'http' },
  { name: 'from-s3-to-claim', from: 's3', to: 'pvc', by: 'http' },
  { name: 'from-s3-to-s3', from: 's3', to: 's3', by: 'https' },
] as const;

/** The servers of the mixes. */
export type MixServers = Readonly<Record<(typeof mixes)[number]['by'], S3Server>>;

const authority = { name: 'company-ca', key: 'ca.crt' };

/** Starts two servers, and adds the authority of one as a ConfigMap. */
const startServers = async (cluster: DemoCluster): Promise<MixServers> => {
  const { authority: path, tls } = await makeCertificates(kubernetesServiceAddress);
  await cluster.kubectl([
    ...['create', 'configmap', authority.name, '-n', namespace],
    `--from-file=${authority.key}=${path}`,
  ]);
  const [http, https] = await Promise.all([startObjectStorage(), startObjectStorage({ tls })]);
  return { http, https };
};

/** Starts servers with the inputs of the export `like`, which is in claims, and applies one like it for each mix. */
export const startMixes = async (
  cluster: DemoCluster,
  { models, like }: { readonly models: string; readonly like: string },
): Promise<MixServers> => {
  const servers = await startServers(cluster);
  for (const name of ['small.tlt', 'calibration'])
    for (const server of Object.values(servers))
      cpSync(join(models, name), server.at('models', name), { recursive: true });
  await allowObjectStorage(cluster, ...Object.values(servers));
  const { apiVersion, kind, spec } = await readExport(cluster, like);
  const items = mixes.map(({ name, from, to, by }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: {
      ...inStorage(spec, from),
      keySecretRef: { name: `${sampleName}-key`, key: 'key' },
      output: { uri: `${to}://exports/${name}` },
      s3: { ...s3Of(servers[by]), ...(by === 'https' && { caConfigMapKeyRef: authority }) },
    },
  }));
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return servers;
};

type Spec = ModelExport['spec'];

const inStorage = (spec: Spec, scheme: 'pvc' | 's3'): Spec =>
  JSON.parse(JSON.stringify(spec).replaceAll('pvc://models/', `${scheme}://models/`)) as Spec;

type Stored = {
  readonly cluster: Cluster;
  readonly servers: MixServers;
  /** Path of a file of a claim on this machine. */
  readonly fileOf: (uri: string) => string;
  readonly like: string;
};

/** Each mix becomes Ready, with the cache of the export in claims byte for byte, and every file has the digest of status. */
export const compareMixes = async (
  t: ExecutionContext,
  { cluster, servers, fileOf, like }: Stored,
): Promise<void> => {
  const ready = (name: string) => untilStatus(cluster, name, { holds: isReady, limitMs: 300_000 });
  const wanted = (await ready(like)).export!.calibrationCache!.sha256;
  for (const { name, to, by } of mixes) {
    const { export: exported, engines } = await ready(name);
    const { etlt, calibrationCache } = exported!;
    t.is(calibrationCache!.sha256, wanted, name);
    const [engine] = engines!;
    for (const { uri, sha256: digest } of [etlt!, calibrationCache!, engine!]) {
      t.true(uri!.startsWith(`${to}://exports/${name}/`), uri!);
      const bytes = to === 's3' ? await readStored(servers[by], uri!) : readFileSync(fileOf(uri!));
      t.is(sha256(bytes), digest!, uri!);
    }
    t.is(engine!.agreement!.images, 8, name);
  }
  await fetchObjects(t, { cluster, server: servers.https });
  // A Helm release brings its own, and does not take over those of others.
  await cluster.kubectl(['delete', 'networkpolicies', '-n', namespace, '--all']);
};

/** The plugin copies all artifacts of the export without a claim, through a pod with its Secret and its authority. */
const fetchObjects = async (
  t: ExecutionContext,
  { cluster, server }: { readonly cluster: Cluster; readonly server: S3Server },
): Promise<void> => {
  const [, , { name }] = mixes;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-fetched-'));
  const { code, stderr } = await runPlugin(cluster, 'fetch', name, '-o', `${folder}/`);
  t.is(code, 0, stderr);
  const { export: exported, engines } = (await readExport(cluster, name)).status!;
  const { etlt, calibrationCache, report } = exported!;
  const wanted = [etlt, calibrationCache, ...engines!].map((artifact) => artifact!.uri!);
  for (const uri of [...wanted, report!.uri, report!.pageUri!]) {
    const file = readdirSync(folder).find((copy) => copy.endsWith(uri.split('/').at(-1)!));
    t.truthy(file, uri);
    t.deepEqual(readFileSync(join(folder, file!)), Buffer.from(await readStored(server, uri)), uri);
  }
};
