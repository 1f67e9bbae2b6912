/** The steps of `scenario.ts` with object storage in place of claims: an S3 server on this machine that pods can reach. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { credentialFiles } from '../../src/ground/contract/s3-settings.ts';
import type { DemoCluster } from '../cluster/cluster.ts';
import { kubernetesServiceAddress } from '../cluster/control-plane.ts';
import { rootUser, type S3Server, type ServerOptions, startS3Server } from '../storage/s3-server.ts';
import { addSecret, applyClasses, demoKey, namespace, root, sampleName, writeInputs } from './scenario.ts';

const credentialsName = 'bucket';

/** Starts the server at the address at which pods find the apiserver: no other address of this machine is theirs to know. */
export const startObjectStorage = (options: Pick<ServerOptions, 'tls'> = {}): Promise<S3Server> =>
  startS3Server({ buckets: ['models', 'exports'], address: kubernetesServiceAddress, ...options });

/** `spec.s3` of an object that uses the server. */
export const s3Of = ({ url }: S3Server): NonNullable<ModelExport['spec']['s3']> => ({
  endpoint: url,
  region: 'us-east-1',
  credentialsSecretRef: { name: credentialsName },
  scratchSize: '1Gi',
});

const readPolicy = (name: string): Promise<string> => readFile(join(root, 'deploy/policies', name), 'utf8');

/** Adds the credentials, and policies that deny pods of exports all traffic but that to the servers, which have one address. */
export const allowObjectStorage = async (
  { kubectl }: DemoCluster,
  ...servers: readonly S3Server[]
): Promise<void> => {
  const { accessKeyId, secretAccessKey } = credentialFiles;
  const keys = { [accessKeyId]: rootUser.accessKeyId, [secretAccessKey]: rootUser.secretAccessKey };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: credentialsName }, stringData: keys };
  const allowing = parse(await readPolicy('jobs-object-storage-policy.yaml'));
  const rule = allowing.spec.egress.at(-1);
  rule.to[0].ipBlock.cidr = `${kubernetesServiceAddress}/32`;
  rule.ports = servers.map(({ url }) => ({ port: Number(new URL(url).port), protocol: 'TCP' }));
  const texts = [stringify(secret), await readPolicy('jobs-network-policy.yaml'), stringify(allowing)];
  await kubectl(['apply', '-n', namespace, '-f', '-'], texts.join('---\n'));
};

/** As `layOut`: a namespace, the packed model and the photos in a bucket, and the Secrets. */
export const layOutInS3 = async (cluster: DemoCluster, server: S3Server): Promise<void> => {
  await cluster.addNamespace(namespace);
  await writeInputs(server.at('models'));
  await addSecret(cluster, `${sampleName}-key`, demoKey);
  await allowObjectStorage(cluster, server);
};

/** As `applySample`, with every `pvc://` of the sample as `s3://`. */
export const applySampleInS3 = async (cluster: DemoCluster, server: S3Server): Promise<void> => {
  await applyClasses(cluster);
  const text = await readFile(join(root, 'deploy/samples/model-export.yaml'), 'utf8');
  const sample = parse(text.replaceAll('pvc://', 's3://')) as ModelExport;
  const object = { ...sample, spec: { ...sample.spec, s3: s3Of(server) } };
  await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(object));
};

/** The file of an `s3://` URI on the disk of the server. */
export const readStored = (server: S3Server, uri: string): Promise<Uint8Array> =>
  readFile(server.at(decodeURIComponent(uri.replace('s3://', ''))));
