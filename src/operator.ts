/** Entry: the operator. Parses flags, creates its dependencies, and runs the controllers until a signal arrives. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { parseCommandLine } from './adapters/cli/command-line.ts';
import { makeExportsPage } from './cluster/page/serve-page.ts';
import { makeClient } from './cluster/runtime/client.ts';
import { Lease, type LeaseDeps } from './cluster/runtime/lease.ts';
import { type ManagerParts, runManager } from './cluster/runtime/manager.ts';
import { serveMetrics } from './cluster/runtime/metrics-server.ts';
import { makeCheckPage, serve } from './cluster/runtime/probes.ts';
import { connectFromPod } from './cluster/runtime/service-account.ts';
import { parseNamespaces } from './cluster/runtime/watched-namespaces.ts';
import { guardWrites } from './cluster/runtime/write-guard.ts';
import { makeControllers } from './controllers.ts';
import { type Clock, systemClock } from './ground/base/clock.ts';
import { messageOf, UserError } from './ground/base/errors.ts';
import type { ValuesOf } from './ground/contract/flag-table.ts';
import { exportsPath, installation } from './ground/contract/installation.ts';
import { operatorProgram } from './ground/contract/operator-program.ts';
import { buildInfo } from './ground/observability/export-metrics.ts';
import { makeLog } from './ground/observability/log.ts';
import { leaderMetrics, restMetrics } from './ground/observability/metrics.ts';

/**
 * Milliseconds between two looks at the delay of the event loop, for the metrics nodejs_eventloop_lag_*. At the default of 10, the
 * looks alone take half a percent of a core.
 */
const eventLoopMonitoringPrecision = 100;

/** Exit code for an invalid command line, like in Kubernetes components. */
const usageStatus = 2;

type Flags = ValuesOf<typeof operatorProgram.flags>;

const parseScope = ({ namespace, 'image-pull-secrets': pullSecrets }: Flags) => ({
  namespaces: namespace === undefined ? undefined : parseNamespaces(namespace),
  pullSecrets: pullSecrets?.split(',').map((name) => name.trim()),
});

const readFlags = (argv: readonly string[]) => {
  try {
    const line = parseCommandLine(operatorProgram, argv);
    return line.help === undefined ? { ...line, watched: parseScope(line.values) } : line;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    process.exit(usageStatus);
  }
};

/** Not ready after this time without an event: a silent watch is detected after 70 s and reopened within 60 s. */
const blindMs = 180_000;

const makeMetricsPage = (registry: Registry) => async () => ({
  status: 200,
  type: registry.contentType,
  body: await registry.metrics(),
});

const readVersion = (): string => {
  const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

/** Liveness, and readiness: caches are synced, and their watches deliver events. */
const makeProbes = (informers: ManagerParts['informers']) => ({
  '/healthz': makeCheckPage([{ name: 'event loop', holds: () => true }]),
  '/readyz': makeCheckPage([
    { name: 'caches', holds: () => informers.every(({ synced }) => synced) },
    { name: 'watches', holds: () => informers.every(({ silentMs }) => silentMs < blindMs) },
  ]),
});

/** A client of its own connection per call: the lease must not wait behind other requests. */
const makeConnect = (clock: Clock, registry: Registry) => {
  const metrics = restMetrics(registry);
  return async () => {
    const connection =
      connectFromPod(process.env) ?? (await import('./cluster/runtime/kubeconfig.ts')).connectByKubeconfig();
    return makeClient({ connection, clock, metrics });
  };
};

const stopOnSignals = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  return stop.signal;
};

const runUntil = async (parts: ManagerParts, stop: AbortSignal): Promise<void> => {
  try {
    await runManager(parts, stop);
  } catch (thrown) {
    if (stop.aborted) return;
    parts.log.error('operator failed', { error: messageOf(thrown) });
    process.exitCode = 1;
  }
};

type LeaseContext = Omit<LeaseDeps, 'metrics'> & { readonly identity: string; readonly registry: Registry };

const makeLease = (flags: Flags, { identity, registry, ...deps }: LeaseContext): Lease => {
  const options = { namespace: flags['lease-namespace'], name: installation.operator, identity };
  return new Lease(options, { ...deps, metrics: leaderMetrics(registry) });
};

const main = async (): Promise<void> => {
  const line = readFlags(process.argv.slice(2));
  if (line.help !== undefined) {
    process.stdout.write(line.help);
    return;
  }
  const { values: flags, watched } = line;
  const { namespaces, pullSecrets } = watched;
  const log = makeLog({ level: flags.verbose ? 'debug' : 'info', readable: process.stderr.isTTY === true });
  const clock = systemClock;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision });
  buildInfo(registry, { version: readVersion(), node_version: process.version });
  const connect = makeConnect(clock, registry);
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const lease = flags['leader-elect']
    ? makeLease(flags, { identity, registry, client: await connect(), clock, log })
    : undefined;
  const { informers, controllers, readExports } = makeControllers({
    client: guardWrites(await connect(), () => lease?.held ?? true),
    clock,
    random: Math.random,
    log,
    registry,
    namespaces,
    images: { worker: flags['worker-image'], rtx: flags['rtx-image'], ...(pullSecrets && { pullSecrets }) },
    workers: flags.workers,
    metricsPerObject: flags['metrics-per-object'] === 'on',
    progressMs: flags['progress-seconds'] * 1000,
    instance: identity,
  });
  const stop = stopOnSignals();
  const servers = [
    await serve(flags['probe-bind'], makeProbes(informers)),
    await serveMetrics(
      { bind: flags['metrics-bind'], secure: flags['metrics-secure'] },
      {
        pages: {
          '/metrics': makeMetricsPage(registry),
          ...(flags.page && { [exportsPath]: makeExportsPage(readExports) }),
        },
        client: await connect(),
        clock,
        signal: stop,
      },
    ),
  ];
  log.info('operator starting', {
    node: process.version,
    identity,
    namespaces: namespaces?.join(',') ?? 'all',
  });
  await runUntil({ informers, controllers, lease, clock, random: Math.random, log }, stop);
  await Promise.all(servers.map((server) => server.close()));
  log.info('operator stopped');
  process.exit();
};

await main();
