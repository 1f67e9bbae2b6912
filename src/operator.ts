/** Entry: the operator. Reads its flags, makes the real world, and runs the controllers until a signal stops it. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { makeClient } from './cluster/runtime/client.ts';
import { guarded } from './cluster/runtime/guarded.ts';
import { Lease } from './cluster/runtime/lease.ts';
import { runManager } from './cluster/runtime/manager.ts';
import { serveMetrics } from './cluster/runtime/metrics-server.ts';
import { checkPage, serve } from './cluster/runtime/probes.ts';
import { connectionOfPod } from './cluster/runtime/service-account.ts';
import { makeControllers } from './controllers.ts';
import { systemClock } from './ground/base/clock.ts';
import { messageOf } from './ground/base/errors.ts';
import { makeLog } from './ground/observability/log.ts';
import { leaderMetrics, restMetrics } from './ground/observability/metrics.ts';

const usage = `usage: operator [options]
  --worker-image IMAGE     image of the export, stage, publish and ONNX Runtime build containers
  --rtx-image IMAGE        image of the TensorRT for RTX build container
  --namespace NAME         watch this namespace alone; all if left out
  --leader-elect           hold a lease, so that of several operators one works
  --lease-namespace NAME   namespace of the lease (default: tlt-export-system)
  --metrics-bind ADDRESS   host:port of /metrics (default: 127.0.0.1:8080)
  --metrics-secure         /metrics by HTTPS, for tokens that may get that path (TokenReview, SubjectAccessReview)
  --probe-bind ADDRESS     host:port of /healthz and /readyz (default: 127.0.0.1:8081)
  --workers N              ModelExports reconciled side by side (default: 4)
  --verbose                log debug lines
  --help                   this text
The cluster is the pod's own, or that of KUBECONFIG.
`;

const options = {
  'worker-image': { type: 'string', default: 'tlt-export-operator:dev' },
  'rtx-image': { type: 'string', default: 'tlt-export-tensorrt-rtx:dev' },
  namespace: { type: 'string' },
  'leader-elect': { type: 'boolean', default: false },
  'lease-namespace': { type: 'string', default: 'tlt-export-system' },
  'metrics-bind': { type: 'string', default: '127.0.0.1:8080' },
  'metrics-secure': { type: 'boolean', default: false },
  'probe-bind': { type: 'string', default: '127.0.0.1:8081' },
  workers: { type: 'string', default: '4' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const flagsOf = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (thrown) {
    return usageError(messageOf(thrown));
  }
};

const usageError = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`);
  process.exit(2);
};

/** More than this queue for one thread and one apiserver. */
const mostWorkers = 64;

const workersOf = (text: string): number => {
  const workers = Number(text);
  return Number.isInteger(workers) && workers >= 1 && workers <= mostWorkers
    ? workers
    : usageError(`--workers is ${text}: give a whole number from 1 to ${mostWorkers}`);
};

/** A cache that hears nothing for longer is blind: a silent watch is noticed after 70 s, and opened again within 60 s. */
const blindMs = 180_000;

const pageOf = (registry: Registry) => async () => ({
  status: 200,
  type: registry.contentType,
  body: await registry.metrics(),
});

const main = async (): Promise<void> => {
  const flags = flagsOf(process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(usage);
    return;
  }
  const workers = workersOf(flags.workers);
  const log = makeLog({ level: flags.verbose ? 'debug' : 'info', readable: process.stderr.isTTY === true });
  const clock = systemClock;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const rest = restMetrics(registry);
  const open = async () =>
    connectionOfPod(process.env) ?? (await import('./cluster/runtime/kubeconfig.ts')).openConnection();
  const connect = async () => makeClient({ connection: await open(), clock, metrics: rest });
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const lease = flags['leader-elect']
    ? new Lease(
        { namespace: flags['lease-namespace'], name: 'tlt-export-operator', identity },
        { client: await connect(), clock, log, metrics: leaderMetrics(registry) },
      )
    : undefined;
  const { informers, controllers } = makeControllers({
    client: guarded(await connect(), () => lease?.held ?? true),
    clock,
    random: Math.random,
    log,
    registry,
    namespace: flags.namespace,
    images: { worker: flags['worker-image'], rtx: flags['rtx-image'] },
    workers,
    instance: identity,
  });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  const servers = [
    await serve(flags['probe-bind'], {
      '/healthz': checkPage([{ name: 'event loop', holds: () => true }]),
      '/readyz': checkPage([
        { name: 'caches', holds: () => informers.every(({ synced }) => synced) },
        { name: 'watches', holds: () => informers.every(({ silentMs }) => silentMs < blindMs) },
      ]),
    }),
    await serveMetrics(
      { bind: flags['metrics-bind'], secure: flags['metrics-secure'] },
      { page: pageOf(registry), client: await connect(), clock, signal: stop.signal },
    ),
  ];
  log.info('operator starts', { node: process.version, identity, namespace: flags.namespace ?? 'all' });
  try {
    await runManager({ informers, controllers, lease, clock, random: Math.random, log }, stop.signal);
  } catch (thrown) {
    if (!stop.signal.aborted) {
      log.error('operator ends', { error: messageOf(thrown) });
      process.exitCode = 1;
    }
  }
  await Promise.all(servers.map((server) => server.close()));
  log.info('operator has stopped');
  process.exit();
};

await main();
