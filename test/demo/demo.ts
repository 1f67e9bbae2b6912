/** `npm run demo`: a cluster on this machine, the operator in a pod, a real model on real photos, three engines. */
import { join } from 'node:path';
import process from 'node:process';
import { type DemoCluster, startCluster } from '../cluster/cluster.ts';
import { useContext } from '../cluster/given-context.ts';
import {
  applySample,
  demoKey,
  installOperator,
  isReady,
  layOut,
  namespace,
  sampleName,
  untilStatus,
  type Volumes,
} from './scenario.ts';

const say = (text: string) => void process.stderr.write(`${text}\n`);

const context = process.env.TLT_TEST_CONTEXT;
say(
  context
    ? `== using the cluster of context ${context}`
    : '== starting a Kubernetes cluster of two nodes on this machine',
);
const cluster: DemoCluster = context ? useContext(context) : await startCluster();

/** `pvc://exports/x` as a file of this machine, where the claim is a folder of it. */
const fileOf = ({ exports }: Volumes, uri: string): string =>
  exports === undefined ? uri : join(exports, uri.replace(/^pvc:\/\/exports\//, ''));

const tell = (volumes: Volumes, status: Awaited<ReturnType<typeof untilStatus>>): void => {
  const artifacts = [
    { what: '.etlt', ...status.export!.etlt! },
    { what: 'calibration cache', ...status.export!.calibrationCache! },
    ...status.engines!.map((engine) => ({
      what: `engine ${engine.deviceClass}`,
      uri: engine.uri!,
      sha256: engine.sha256!,
    })),
  ];
  for (const { what, uri, sha256 } of artifacts)
    console.log(`${what}\n  ${uri}\n  sha256 ${sha256}\n  ${fileOf(volumes, uri)}`);
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

try {
  say('== installing the operator: kubectl apply -k deploy/prerequisites/cluster, then -k deploy');
  await installOperator(cluster);
  say('== a text-orientation classifier as .tlt, 120 photos, the key as a Secret; applying deploy/samples');
  const volumes = await layOut(cluster);
  await applySample(cluster);
  const status = await untilStatus(cluster, sampleName, { holds: isReady, limitMs: 300_000, tell: true });
  console.log(await cluster.kubectl(['get', 'mex,edc', '-n', namespace]));
  tell(volumes, status);
  console.log(
    `\nopen the .etlt (its key is "${demoKey}"):\n  tail -c +5 ${fileOf(volumes, status.export!.etlt!.uri)} | age --decrypt > model.onnx`,
  );
  if (process.argv.includes('--keep')) {
    const hint = 'kubeconfig' in cluster ? `: export KUBECONFIG=${cluster.kubeconfig}` : '';
    say(`\nthe cluster stays up until Ctrl-C${hint}`);
    await new Promise(() => setInterval(() => {}, 60_000));
  }
  await cluster.stop();
} catch (thrown) {
  say(await cluster.kubectl(['get', 'mex,jobs,pods,events', '-A']).catch(String));
  await cluster.stop();
  throw thrown;
}
process.exit(0);
