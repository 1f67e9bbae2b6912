/**
 * `npm run demo`: a cluster on this machine, the operator in a pod, a real model on real photos, three engines. With `--s3`
 * all files are in object storage, and there is no claim.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { type DemoCluster, startCluster } from '../cluster/cluster.ts';
import { useContext } from '../cluster/given-context.ts';
import { type KeptArtifact, keepArtifacts } from './keep-artifacts.ts';
import { nextCommands } from './next-commands.ts';
import { demoKey, installOperator, isReady, namespace, root, sampleName, untilStatus } from './scenario.ts';
import { inClaims, inObjectStorage } from './storages.ts';

const say = (text: string) => void process.stderr.write(`${text}\n`);

const context = process.env.TLT_TEST_CONTEXT;
const usesS3 = process.argv.includes('--s3');
if (context && usesS3)
  throw new Error(
    'npm run demo -- --s3: pods of another cluster do not reach a server of this machine. Unset TLT_TEST_CONTEXT.',
  );
say(
  context
    ? `== using the cluster of context ${context}`
    : '== starting a Kubernetes cluster of two nodes on this machine',
);
const cluster: DemoCluster = context ? useContext(context) : await startCluster();

const storage = usesS3 ? inObjectStorage(cluster) : inClaims(cluster);

/** Kept after the demo; the next run replaces it. */
const outputFolder = join(root, 'demo-output');

/** Prints where each artifact is, in the cluster and on this machine, and how each engine performs. */
const printResults = (status: ModelExportStatus, kept: readonly KeptArtifact[]): void => {
  for (const { what, uri, sha256, path } of kept)
    console.log(`${what}\n  ${uri}\n  sha256 ${sha256}\n  ${path}`);
  for (const { deviceClass, hardware, runtime, latency, agreement } of status.engines!) {
    const measured = agreement
      ? `, ${agreement.sqnrDb} dB and top-1 ${agreement.top1} of float on ${agreement.images} images`
      : '';
    const time = latency ? `, ${latency.p50Microseconds} µs` : '';
    console.log(
      `${deviceClass}: built on ${hardware?.node}, runs on ${runtime?.name} ${runtime?.version}${time}${measured}`,
    );
  }
};

const stop = async (): Promise<void> => {
  await cluster.stop();
  await storage.stop();
};

try {
  say('== installing the operator: kubectl apply -k deploy/prerequisites/cluster, then -k deploy');
  await installOperator(cluster);
  say(
    `== a text-orientation classifier as .tlt, 120 photos in ${storage.name}, the key as a Secret; applying deploy/samples`,
  );
  await storage.layOut();
  await storage.applySample();
  const status = await untilStatus(cluster, sampleName, { holds: isReady, limitMs: 300_000, tell: true });
  console.log(await cluster.kubectl(['get', 'mex,edc,pvc', '-n', namespace]));
  const kept = await keepArtifacts(storage.read, status, outputFolder);
  const description = await cluster.kubectl(['describe', 'mex', '-n', namespace, sampleName]);
  await writeFile(join(outputFolder, 'describe.txt'), description);
  printResults(status, kept);
  const [etlt, report] = [kept[0]!.path, kept.at(-1)!.path];
  console.log(`
open the report in a browser:
  ${report}
what kubectl describe says of the export:
  ${join(outputFolder, 'describe.txt')}
open the .etlt (its key is "${demoKey}"):
  tail -c +5 ${etlt} | age --decrypt > model.onnx
look at the export with the kubectl plugin (docs/plugin.md), in a cluster that npm run demo -- --keep keeps:
  ${nextCommands(sampleName, namespace, !usesS3).join('\n  ')}`);
  if (process.argv.includes('--keep')) {
    const hint = 'kubeconfig' in cluster ? `: export KUBECONFIG=${cluster.kubeconfig}` : '';
    say(`\nthe cluster stays up until Ctrl-C${hint}`);
    await new Promise(() => setInterval(() => {}, 60_000));
  }
  await stop();
} catch (thrown) {
  say(await cluster.kubectl(['get', 'mex,jobs,pods,events', '-A']).catch(String));
  await stop();
  throw thrown;
}
process.exit(0);
