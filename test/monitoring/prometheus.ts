/** A real Prometheus that scrapes one page. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ruleGroups } from '../../src/cluster/manifests/monitoring/prometheus.ts';
import { background, eventually } from '../cluster/run.ts';

export type Sample = {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
};

export type Series = {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
};

export type Prometheus = {
  /** The instant vector or scalar of an expression; throws with Prometheus's words if it is invalid. */
  query(expression: string): Promise<readonly Sample[]>;
  /** The samples of each series of an expression, one in two seconds, between two times in seconds since the epoch. */
  queryRange(expression: string, from: number, to: number): Promise<readonly Series[]>;
  stop(): Promise<void>;
};

type Answer<T> = {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly T[] };
};

/**
 * Scrapes `https://ADDRESS/metrics` each second, with the token of an account that may, or by HTTP if there is none; the alerts
 * are loaded as rules.
 */
export const startPrometheus = async (target: {
  readonly address: string;
  readonly token?: string;
  readonly port: number;
}): Promise<Prometheus> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-prometheus-'));
  writeFileSync(join(folder, 'token'), target.token ?? '');
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: ruleGroups }));
  const scrape = {
    job_name: 'operator',
    ...(target.token !== undefined && {
      scheme: 'https',
      tls_config: { insecure_skip_verify: true },
      authorization: { credentials_file: join(folder, 'token') },
    }),
    static_configs: [{ targets: [target.address] }],
  };
  const intervals = { scrape_interval: '1s', evaluation_interval: '1s' };
  const config = { global: intervals, rule_files: ['rules.yaml'], scrape_configs: [scrape] };
  writeFileSync(join(folder, 'prometheus.yaml'), stringify(config));
  const address = `127.0.0.1:${target.port}`;
  const flags = [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
  ];
  const server = background('prometheus', flags, { log: join(folder, 'log') });
  const ask = async <T>(path: string, query: Readonly<Record<string, string>>): Promise<readonly T[]> => {
    const found = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(query)}`);
    const { status, error, data } = (await found.json()) as Answer<T>;
    if (status !== 'success' || data === undefined) throw new Error(`${query.query}: ${error}`);
    return data.result;
  };
  const query = (expression: string) => ask<Sample>('query', { query: expression });
  const queryRange = (expression: string, from: number, to: number) =>
    ask<Series>('query_range', { query: expression, start: `${from}`, end: `${to}`, step: '2' });
  await eventually('two scrapes', async () => {
    const [scrapes] = await query('count_over_time(modelexport_build_info[5m])');
    return Number(scrapes?.value[1]) >= 2 ? true : undefined;
  });
  return { query, queryRange, stop: server.stop };
};
