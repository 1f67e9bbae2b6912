/** The page that Prometheus reads: over HTTPS for those whom the apiserver lets, or plain where nobody else can reach it. */
import type { Clock } from '../../ground/base/clock.ts';
import { authorised } from './authorised.ts';
import type { KubeClient } from './client.ts';
import { type Page, type Served, serve } from './probes.ts';
import { selfSigned } from './self-signed.ts';

export type MetricsOptions = {
  readonly bind: string;
  /** HTTPS, and only for tokens that may `get /metrics`. */
  readonly secure: boolean;
};

export type MetricsDeps = {
  readonly page: Page;
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
): Promise<Served> => {
  if (!secure) return serve(bind, { [path]: page });
  const certified = selfSigned(host, { now: deps.clock.now(), days });
  return serve(bind, { [path]: authorised(path, page, deps) }, certified);
};
