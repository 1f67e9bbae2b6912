/** Runs the real Helm on the chart of this repository, without the user's settings. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { helmBinary } from '../cluster/go-tools.ts';
import { run } from '../cluster/run.ts';

export const root = join(import.meta.dirname, '..', '..');
export const chart = join(root, 'helm/tlt-export-operator');

const home = mkdtempSync(join(tmpdir(), 'tlt-helm-'));

/** Standard output; throws with Helm's own words if it fails. */
export const helm = async (args: readonly string[], kubeconfig?: string): Promise<string> =>
  run(await helmBinary(), args, {
    env: {
      HELM_CACHE_HOME: home,
      HELM_CONFIG_HOME: home,
      HELM_DATA_HOME: home,
      KUBECONFIG: kubeconfig ?? '/nonexistent',
    },
  });

/** Sets of values that ship with the chart, by name: those of chart-testing, in ci/. */
export const valueSets: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(join(chart, 'ci')).map((file) => [file.replace('-values.yaml', ''), join(chart, 'ci', file)]),
);

export type Rendered = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
} & Readonly<Record<string, unknown>>;

/** The text that `helm template` writes for a release `tlt` in the namespace of the operator. */
export const template = (...args: readonly string[]): Promise<string> =>
  helm(['template', 'tlt', chart, '--namespace', 'tlt-export-system', ...args]);

export const objectsOf = (text: string): readonly Rendered[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Rendered | null) ?? []);
