/**
 * The pages for clients in the cluster, such as /metrics: HTTPS with authorization by the apiserver, or plain HTTP where only
 * trusted clients can connect.
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
  /** Whether to serve HTTPS, and each page only to tokens that may `get` its path. */
  readonly secure: boolean;
};

/** The pages by path, and what the reviews of tokens require. */
export type MetricsDeps = {
  readonly pages: Readonly<Record<string, PageHandler>>;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Validity of the certificate. Each start creates another one, so scrapers cannot rely on it. */
const days = 3650;

/**
 * Starts the server.
 * @throws Error of node:net if the address is in use
 */
export const serveMetrics = async (
  { bind, secure }: MetricsOptions,
  { pages, ...deps }: MetricsDeps,
): Promise<RunningServer> => {
  if (!secure) return serve(bind, pages);
  const authorised = Object.entries(pages).map(([path, page]) => [path, authorisePage(path, page, deps)]);
  const certified = makeSelfSignedCertificate(installation.metrics, { now: deps.clock.now(), days });
  return serve(bind, Object.fromEntries(authorised), certified);
};
