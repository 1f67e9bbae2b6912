/** The page that Prometheus reads: over HTTPS for those whom the apiserver lets, or plain where nobody else can reach it. */
import type { Clock } from '../../ground/base/clock.ts';
import { authorisePage } from './authorise.ts';
import type { KubeClient } from './client.ts';
import { type PageHandler, type RunningServer, serve } from './probes.ts';
import { makeSelfSignedCertificate } from './self-signed.ts';

export type MetricsOptions = {
  readonly bind: string;
  /** HTTPS, and only for tokens that may `get /metrics`. */
  readonly secure: boolean;
};

export type MetricsDeps = {
  readonly page: PageHandler;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const path = '/metrics';
const host = 'tlt-export-operator-metrics';
/** Made again at each start; scrapers do not rely on it. */
const days = 3650;

export const serveMetrics = async (
  { bind, secure }: MetricsOptions,
  { page, ...deps }: MetricsDeps,
): Promise<RunningServer> => {
  if (!secure) return serve(bind, { [path]: page });
  const certified = makeSelfSignedCertificate(host, { now: deps.clock.now(), days });
  return serve(bind, { [path]: authorisePage(path, page, deps) }, certified);
};
