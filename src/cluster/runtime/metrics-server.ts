/**
 * The /metrics endpoint: HTTPS with authorization by the apiserver, or plain HTTP where only trusted clients can
 * connect.
 */

import type { Clock } from '../../ground/base/clock.ts';
import { installation } from '../../ground/contract/installation.ts';
import { authorisePage } from './authorise.ts';
import type { KubeClient } from './client.ts';
import { type PageHandler, type RunningServer, serve } from './probes.ts';
import { makeSelfSignedCertificate } from './self-signed.ts';

/** Where to listen, and whether clients must authenticate. */
export type MetricsOptions = {
  readonly bind: string;
  /** Whether to serve HTTPS, and only to tokens that may `get /metrics`. */
  readonly secure: boolean;
};

/** The page, and what the reviews of tokens require. */
export type MetricsDeps = {
  readonly page: PageHandler;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const path = '/metrics';
/** Validity of the certificate. Each start creates another one, so scrapers cannot rely on it. */
const days = 3650;

/**
 * Starts the server.
 * @throws Error of node:net if the address is in use
 */
export const serveMetrics = async (
  { bind, secure }: MetricsOptions,
  { page, ...deps }: MetricsDeps,
): Promise<RunningServer> => {
  if (!secure) return serve(bind, { [path]: page });
  const certified = makeSelfSignedCertificate(installation.metrics, { now: deps.clock.now(), days });
  return serve(bind, { [path]: authorisePage(path, page, deps) }, certified);
};
