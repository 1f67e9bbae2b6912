/** The whole system on real kubelets: one ModelExport with three engines, and all user errors. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import type { ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { alerts } from '../../src/cluster/manifests/monitoring/alerts.ts';
import { rows } from '../../src/cluster/manifests/monitoring/dashboard-rows.ts';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import { aCodec } from '../builders/codec.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { busyboxArchive } from '../cluster/images.ts';
import { eventually, linesOf } from '../cluster/run.ts';
import {
  addSecret,
  applySuspended,
  builtOf,
  conditionOf,
  demoKey,
  installOperator,
  isReady,
  layOut,
  namespace,
  operatorNamespace,
  readExport,
  readTensorfile,
  resumeSample,
  sampleName,
  untilStatus,
} from '../demo/scenario.ts';
import { runAge } from '../formats/age-binary.ts';
import '../cluster/leftovers.ts';
import { detectorNames, modelFile } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { startPrometheus } from '../monitoring/prometheus.ts';
import type { Reader } from '../pages/reader.ts';
import { runPeer } from '../peers/venv.ts';
import { applyTheRest, cipherCommand, objectNameOf } from './applied.ts';
import { suspendAndChange } from './changed.ts';
import { fetchByPlugin, serveByInitContainer } from './fetched.ts';
import { liveAsRelease } from './helm-release.ts';
import { fillAsShown, followBlock, followPages, startReading, watchAsShown } from './pages.ts';
import { compareWithOnePod, startInParts } from './parts.ts';
import { isReading, requestsOfOperator, usesAllPermissions } from './permissions.ts';
import { checkProgress, collectProgress, progressSeconds } from './progress.ts';
import { compareMixes, type MixServers, startMixes } from './storage-mixes.ts';

let cluster: Cluster;
/** Name of a pod that was killed while it counted. */
let killedPart: Promise<string>;
let s3: MixServers | undefined;
/** An export of the small model in claims. */
const small = 'no-secret';
/** A reader of the pages. */
let reader: Reader;
/** Grows while the exports run. */
let progress: ReturnType<typeof collectProgress>;
let volumes: { readonly models: string; readonly exports: string };

test.serial('kubectl wait sees the sample become Ready on a new cluster', async (t) => {
  cluster = await startCluster({ archives: [await busyboxArchive()] });
  await installOperator(cluster, [`--progress-seconds=${progressSeconds}`]);
  const { models, exports } = await layOut(cluster);
  volumes = { models: models!, exports: exports! };
  await applySuspended(cluster);
  const { started, missing } = watchAsShown(cluster, 'docs/first-export.md');
  missing.catch(() => {}); // Awaited below.
  await started;
  await resumeSample(cluster);
  progress = collectProgress(cluster, limitMs);
  await cluster.kubectl([
    'wait',
    '-n',
    namespace,
    '--for=condition=Ready',
    `mex/${sampleName}`,
    '--timeout=600s',
  ]);
  t.true(isReady(await status()));
  reader = await startReading(cluster, volumes.models);
  await applyTheRest({ cluster, models: volumes.models });
  s3 = await startMixes(cluster, { models: volumes.models, like: small });
  killedPart = startInParts(cluster);
  killedPart.catch(() => {}); // Reported by the test that awaits it.
  t.deepEqual(await missing, [], 'docs/first-export.md shows lines that watch does not print');
});

test.after.always(async () => {
  reader?.leave();
  await cluster?.stop();
  await Promise.all(Object.values(s3 ?? {}).map(({ stop }) => stop()));
});

const fileOf = (uri: string): string => join(volumes.exports, uri.replace('pvc://exports/', ''));
type Engine = NonNullable<ModelExportStatus['engines']>[number];
const storedOf = ({ uri, sha256: digest }: Engine) => ({ uri: uri!, sha256: digest! });
const status = async () => (await readExport(cluster, sampleName)).status!;

/** Time for an export to reach the expected state on a busy machine. */
const limitMs = 300_000;

test.serial(
  'one ModelExport becomes three engines of different content, each built on the hardware of its class',
  async (t) => {
    const { engines, export: exported, enginesReady } = await status();
    const { etlt, calibrationCache } = exported!;
    t.is(enginesReady, '3/3');
    t.is(new Set(engines!.map(({ key }) => key)).size, 3);
    t.is(new Set(engines!.map(({ sha256: digest }) => digest)).size, 3);
    const nodeOf = (name: string) => engines!.find(({ deviceClass }) => deviceClass === name)!.hardware?.node;
    t.is(nodeOf('ampere'), 'ampere-1');
    t.is(nodeOf('blackwell'), 'blackwell-1');
    for (const { uri, sha256: digest } of [etlt!, calibrationCache!, ...engines!.map(storedOf)])
      t.is(sha256(readFileSync(fileOf(uri))), digest, `${uri} has the digest that status tells`);
  },
);

test.serial('the engine that can run here agrees with the float model', async (t) => {
  const cpu = (await status()).engines!.find(({ deviceClass }) => deviceClass === 'cpu')!;
  t.is(cpu.agreement!.images, 8);
  t.true(Number(cpu.agreement!.sqnrDb) > 10, `${cpu.agreement!.sqnrDb} dB`);
  t.true(cpu.latency!.p50Microseconds! > 0);
});

test.serial('a folder with a manifest is complete: every listed file exists with its digest', async (t) => {
  const { export: exported, engines } = await status();
  for (const uri of [exported!.etlt!.uri, ...engines!.map((engine) => engine.uri!)]) {
    const folder = fileOf(uri).replace(/\/[^/]+$/, '');
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    for (const [name, file] of Object.entries(manifest.files))
      t.is(sha256(readFileSync(join(folder, name))), file.sha256);
  }
});

test.serial(
  'age decrypts the .etlt after its prefix, and the checker of onnx accepts the model',
  async (t) => {
    const bytes = readFileSync(fileOf((await status()).export!.etlt!.uri));
    t.is(bytes.readInt32LE(0), 0, 'an empty input name: the payload is ONNX');
    const folder = await mkdtemp(join(tmpdir(), 'tlt-e2e-'));
    const [encrypted, path] = [join(folder, 'payload.age'), join(folder, 'payload.onnx')];
    writeFileSync(encrypted, bytes.subarray(4));
    const { status: exit, output } = await runAge(['--decrypt', '--output', path, encrypted], demoKey);
    t.is(exit, 0, output);
    t.true(
      readFileSync(path).equals(readFileSync(modelFile('classifier'))),
      'the payload is the model, byte for byte',
    );
    t.deepEqual(await runPeer('check_onnx.py', [path]), [[13, 265]]);
  },
);

test.serial('the calibration cache parses, and has a scale for input and output', async (t) => {
  const { calibrationCache } = (await status()).export!;
  const { scales } = parseCalibrationCache(readFileSync(fileOf(calibrationCache!.uri), 'utf8'));
  t.is(scales.size, calibrationCache!.tensors);
  t.is(calibrationCache!.images, 80);
  t.true(scales.get('input_1')! > 0 && scales.get('predictions/Softmax')! > 0);
});

test.serial('user errors stall or wait, with a message that says what to do', async (t) => {
  await Promise.all([
    stalls(t, 'wrong-key', 'WrongKey'),
    stalls(t, 'cut', 'ModelInvalid'),
    stalls(t, 'nine', 'TooFewImages'),
    stalls(t, 'pinned', 'DigestMismatch'),
    waits(t, 'no-secret', 'KeySecretMissing'),
    waits(t, 'no-claim', 'ClaimMissing'),
  ]);
  for (const part of ['status no-secret', '0/1 WrongKey']) await followBlock(reader, troubleshooting, part);
  // Kubelets retry a missing Secret after up to two minutes, so it is created early for a later test.
  await addSecret(cluster, 'absent', demoKey);
});

const troubleshooting = 'docs/troubleshooting.md';

const stalls = async (t: ExecutionContext, name: string, reason: string): Promise<void> => {
  const found = await untilStatus(cluster, name, {
    holds: (status) => conditionOf(status, 'Stalled')?.status === 'True',
    limitMs,
  });
  t.is(conditionOf(found, 'Stalled')!.reason, reason);
  t.true(conditionOf(found, 'Stalled')!.message.length > 40);
  t.is(conditionOf(found, 'Reconciling')!.status, 'False');
};

const waits = async (t: ExecutionContext, name: string, reason: string): Promise<void> => {
  const found = await untilStatus(cluster, name, {
    holds: (status) => conditionOf(status, 'Reconciling')?.reason === reason,
    limitMs,
  });
  t.is(conditionOf(found, 'Stalled')!.status, 'False', `${name} waits, it has not failed`);
};

test.serial('a stalled export runs again on request after the cause is fixed', async (t) => {
  await followBlock(reader, troubleshooting, '$ kubectl create secret generic wrong-key');
  t.true(isReady((await readExport(cluster, 'wrong-key')).status!));
});

test.serial('the same export under another name reuses the artifacts in the folder', async (t) => {
  const before = await status();
  const twin = await untilStatus(cluster, 'twin', { holds: isReady, limitMs });
  t.is(twin.export!.etlt!.sha256, before.export!.etlt!.sha256);
  t.deepEqual(
    twin.engines!.map(({ sha256: digest }) => digest),
    before.engines!.map(({ sha256: digest }) => digest),
  );
});

test.serial('a Keras detector becomes engines of three device classes', async (t) => {
  const found = await untilStatus(cluster, 'detector', { holds: isReady, limitMs });
  t.deepEqual(found.export!.etlt!.outputNodes, ['output_bbox/BiasAdd', 'output_cov/Sigmoid']);
  t.deepEqual(
    found.engines!.map(({ deviceClass, dataType }) => `${deviceClass} ${dataType}`),
    ['ampere int8', 'cpu fp32', 'fastest int8'],
  );
  const { sqnrDb } = found.engines![1]!.agreement!;
  t.true(sqnrDb === 'inf' || Number(sqnrDb) > 80, `fp32 on the CPU differs by rounding alone: ${sqnrDb} dB`);
});

test.serial('a class that prefers the fastest engine gets the faster one, and status says why', async (t) => {
  const { engines } = await untilStatus(cluster, 'detector', { holds: isReady, limitMs });
  const { uri, chosen, latency } = engines!.find(({ deviceClass }) => deviceClass === 'fastest')!;
  t.regex(chosen!.because, /^(On this processor, int8 takes |No operator would compute with integers)/);
  const { graph } = parseModel(readFileSync(fileOf(uri!)));
  const isInt8 = graph!.node.some(({ opType }) => opType === 'QuantizeLinear');
  t.is(chosen!.dataType, isInt8 ? 'int8' : 'fp32', 'it is what is stored');
  if (isInt8) t.true(latency!.p50Microseconds < latency!.floatP50Microseconds!);
});

test.serial(
  'modules whose models end in plugin nodes become int8 engines, configured by their specs',
  async (t) => {
    for (const module of detectorNames) {
      const found = await untilStatus(cluster, objectNameOf(module), { holds: isReady, limitMs });
      t.is(found.enginesReady, '1/1', module);
      t.is(found.export!.calibrationCache!.images, 8, module);
      const [{ dataType, agreement } = {}] = found.engines!;
      t.is(dataType, 'int8', module);
      t.true(Number(agreement!.matchedBoxes) > 0.5, `${module}: ${JSON.stringify(agreement)}`);
    }
  },
);

test.serial(
  'a codec image decrypts a model of another cipher, and encrypts the export with it, too',
  async (t) => {
    const { export: exported, enginesReady } = await untilStatus(cluster, 'other', {
      holds: isReady,
      limitMs,
    });
    const { codecEtlt } = exported!;
    t.is(enginesReady, '1/1');
    const bytes = readFileSync(fileOf(codecEtlt!.uri));
    t.is(sha256(bytes), codecEtlt!.sha256);
    const { payload } = await decryptModel(bytes, demoKey, aCodec(cipherCommand));
    t.true(Buffer.from(await smallClassifier()).equals(payload), 'byte for byte');
  },
);

test.serial('an export waits for the tensorfile that it references, and is calibrated with it', async (t) => {
  const found = await untilStatus(cluster, 'text-orientation-data', { holds: isReady, limitMs });
  const { tensorfile, conditions } = (await readTensorfile(cluster, sampleName)).status!;
  t.like(tensorfile, { batches: 10, images: 80 });
  t.is(sha256(readFileSync(fileOf(tensorfile!.uri))), tensorfile!.sha256);
  const { uri, sha256: digest } = tensorfile!;
  t.deepEqual(found.export!.calibrationTensorfile, { name: sampleName, uri, sha256: digest });
  t.is(found.export!.calibrationCache!.images, 80);
  t.is(found.enginesReady, '1/1');
  const written = conditions!.find(({ type }) => type === 'Ready')!.lastTransitionTime;
  t.true(Date.parse(found.export!.startedAt!) >= Date.parse(written), 'it started when the file was written');
});

test.serial(
  'three pods count the images of an export as one pod does, also when one of them is killed',
  async (t) => compareWithOnePod(t, { cluster, status: await status(), fileOf, gone: await killedPart }),
);

test.serial('while pods ran, status showed how far they were, and how fast', (t) => {
  checkProgress(t, progress);
});

test.serial('a class without matching nodes waits, and the other class is built', async (t) => {
  const found = await untilStatus(cluster, 'no-node', {
    holds: (status) => builtOf(status, 'cpu')?.status === 'True',
    limitMs,
  });
  t.is(builtOf(found, 'hopper')!.reason, 'NoMatchingNode');
  t.is(conditionOf(found, 'Stalled')!.status, 'False');
  t.is(conditionOf(found, 'Reconciling')!.status, 'True');
});

test.serial('an export that waits for its Secret continues when the Secret is created', async (t) => {
  const found = await untilStatus(cluster, 'no-secret', { holds: isReady, limitMs });
  t.is(found.enginesReady, '1/1');
});

test.serial('exports from and to object storage have the bytes of the export in claims', async (t) =>
  compareMixes(t, { cluster, servers: s3!, fileOf, like: small }),
);

test.serial('the key is only in its Secret', async (t) => {
  const objects = await cluster.kubectl(['get', 'mex,jobs,pods,events,configmaps', '-A', '-o', 'json']);
  const operator = await cluster.kubectl(['logs', '-n', operatorNamespace, 'deployment/tlt-export-operator']);
  const pods = (await Promise.all((await podsOfJobs()).map(logsOf))).join('');
  for (const text of [objects, operator, pods]) {
    t.true(text.length > 100, 'there was something to look through');
    t.false(text.includes(demoKey));
    t.false(text.includes(Buffer.from(demoKey).toString('base64')));
  }
});

const podsOfJobs = async (): Promise<readonly string[]> => {
  const ours = ['-l', 'app.kubernetes.io/managed-by=tlt-export-operator'];
  return (await cluster.kubectl(['get', 'pods', '-n', namespace, ...ours, '-o', 'name'])).trim().split('\n');
};

/** Logs of all containers that have started. */
const logsOf = (pod: string): Promise<string> =>
  cluster.kubectl(['logs', '-n', namespace, pod, '--all-containers', '--ignore-errors']);

test.serial(
  'kubectl modelexport fetches artifacts and reports through a pod that is gone afterwards',
  async (t) => fetchByPlugin(t, { cluster, status: await status(), fileOf }),
);

test.serial('the init container of docs/serving.md fetches the engine of a class', async (t) =>
  serveByInitContainer(t, { cluster, status: await status(), fileOf }),
);

test.serial('the image runs the tools by name', async (t) => {
  const pod = ['exec', 'deployment/tlt-export-operator', '-n', operatorNamespace, '--'];
  for (const tool of ['tlt-converter', 'tlt-export', 'tlt-int8-tensorfile', 'tlt-model'])
    t.regex(await cluster.kubectl([...pod, tool, '--help']), new RegExp(`^usage: ${tool}`, 'i'));
});

test.serial('the pod of the operator serves its probes and metrics', async (t) => {
  const service = `https:tlt-export-operator-metrics:8080`;
  const raw = ['get', '--raw', `/api/v1/namespaces/${operatorNamespace}/services/${service}/proxy/metrics`];
  await t.throwsAsync(cluster.kubectl(raw), { message: /the client to provide credentials/ });
  await cluster.kubectl(['create', 'serviceaccount', 'prometheus', '-n', operatorNamespace]);
  const account = `--serviceaccount=${operatorNamespace}:prometheus`;
  const binding = ['create', 'clusterrolebinding', 'prometheus', '--clusterrole=tlt-export-metrics-reader'];
  await cluster.kubectl([...binding, account]);
  const token = (await cluster.kubectl(['create', 'token', 'prometheus', '-n', operatorNamespace])).trim();
  const scrape =
    'process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; const headers = { authorization: "Bearer " + process.argv[1] };' +
    'fetch("https://127.0.0.1:8080/metrics", { headers }).then(async (got) => console.log(await got.text()))';
  const pod = ['exec', 'deployment/tlt-export-operator', '-n', operatorNamespace, '--'];
  const page = await cluster.kubectl([...pod, 'node', '-e', scrape, token]);
  t.regex(page, /controller_runtime_reconcile_total\{controller="modelexport",result="success"\} \d+/);
  t.regex(page, /leader_election_master_status\{name="tlt-export-operator"\} 1/);
});

/** Panels that show something once exports are done; the others need a recent failure, GPUs or reused work. */
const filledPanels = [
  'Ready',
  'In progress',
  'Stalled',
  'Objects by reason',
  'Engines by device class and state',
  'Ready nodes of each class',
  'Attempts by class and result',
  'Time to Ready',
  'Duration of attempts',
  'Wait until the pod starts',
  'Calibration images per second',
  'Reconciles',
  'Queue depth',
  'Age of the caches',
  'Memory',
];

test.serial('a real Prometheus answers every query of the dashboard and of the alerts', async (t) => {
  const token = (await cluster.kubectl(['create', 'token', 'prometheus', '-n', operatorNamespace])).trim();
  const forward = ['port-forward', '-n', operatorNamespace, 'deployment/tlt-export-operator', ':8080'];
  const lines = linesOf('kubectl', ['--kubeconfig', cluster.kubeconfig, ...forward], 60_000);
  const { value: line } = await lines.next();
  const [address] = /127\.0\.0\.1:\d+/.exec(String(line))!;
  const prometheus = await startPrometheus({ address, token, port: 39_090 });
  try {
    for (const { title, queries } of rows.flatMap(({ panels }) => panels))
      for (const { expression } of queries) {
        const found = await prometheus.query(expression.replaceAll('$__rate_interval', '1m'));
        if (filledPanels.includes(title)) t.true(found.length > 0, `${title}: ${expression}`);
      }
    for (const { expression } of alerts) await t.notThrowsAsync(prometheus.query(expression), expression);
    const [built] = await prometheus.query('sum(modelexport_builds_total{result="succeeded"})');
    t.true(Number(built!.value[1]) >= 10, 'attempts of the exports above');
    const states = await prometheus.query(
      'modelexport_condition{kind="ModelExport",name="text-orientation",condition="Ready"}',
    );
    t.deepEqual(
      states.map(({ metric }) => [metric.status, metric.reason]),
      [['True', 'Ready']],
    );
  } finally {
    await prometheus.stop();
    await lines.return(undefined);
  }
});

test.serial('a claim is filled as docs/first-export.md shows', async (t) => {
  const { copied, before } = await fillAsShown(reader, cluster, volumes.models);
  t.true(copied.length >= 80);
  t.deepEqual(copied, before);
});

test.serial('the pages show what pods and the plugin print, and their commands work', async (t) => {
  t.deepEqual(await followPages(reader), []);
  await untilStatus(cluster, 'detector', { holds: isReady, limitMs });
});

test.serial('in a quiet cluster the operator writes only its lease', async (t) => {
  const seconds = Number(process.env.TLT_QUIET_SECONDS ?? 10);
  await eventually('no active Jobs', async () => {
    const jobs = await cluster.kubectl([
      'get',
      'jobs',
      '-n',
      namespace,
      '-o',
      'jsonpath={.items[*].status.active}',
    ]);
    const waiting = 1; // no-claim waits forever
    return jobs
      .trim()
      .split(/\s+/)
      .filter((active) => active === '1').length <= waiting
      ? true
      : undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = writes().length;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  t.deepEqual(writes().slice(before), []);
  t.true(before > 20, 'the audit log has the writes of before');
});

test.serial('an export that waits is suspended and resumed, and a change replaces its Job', (t) =>
  suspendAndChange(t, cluster, { namespace, name: 'no-claim' }),
);

test.serial('the operator has used every permission that it has', (t) => usesAllPermissions(t, cluster));

test.serial(
  'a Helm release replaces the installation, and an export runs through upgrade, rollback and uninstall',
  (t) => liveAsRelease(t, cluster),
);

/** Writes of the operator in the audit log, without those of its lease. */
const writes = (): readonly string[] =>
  requestsOfOperator(cluster)
    .filter(({ verb, objectRef }) => !isReading(verb) && objectRef?.resource !== 'leases')
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
