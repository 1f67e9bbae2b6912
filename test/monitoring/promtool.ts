/** Prometheus's own checks of rules and of metrics pages. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ruleGroups } from '../../src/cluster/manifests/monitoring/prometheus.ts';

const rulesFile = 'rules.yaml';

/** A folder with the alerts as a rule file. */
export const makeRulesFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-rules-'));
  writeFileSync(join(folder, rulesFile), stringify({ groups: ruleGroups }));
  return folder;
};

const promtool = (args: readonly string[], cwd: string, input?: string): string =>
  execFileSync('promtool', args, { cwd, encoding: 'utf8', ...(input !== undefined && { input }) });

/** Throws with promtool's words if a rule is invalid. */
export const checkRules = (): string => promtool(['check', 'rules', rulesFile], makeRulesFolder());

/** Throws with promtool's words if a metric breaks a rule of naming or of the text format. */
export const checkMetrics = (page: string): string => promtool(['check', 'metrics'], tmpdir(), page);

export type RuleCase = {
  /** Series in promtool's notation: one sample a minute. */
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  readonly alert: string;
  /** Labels and summary of each alert that fires. */
  readonly fires: readonly { readonly labels: Readonly<Record<string, string>>; readonly summary: string }[];
};

/** Throws with promtool's words if an alert does not do what the cases say. */
export const testRules = (cases: readonly RuleCase[]): string => {
  const folder = makeRulesFolder();
  const annotations = new Map(
    ruleGroups.flatMap(({ rules }) => rules.map((rule) => [rule.alert, rule.annotations])),
  );
  const tests = cases.map(({ series, at, alert, fires }) => ({
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      {
        eval_time: at,
        alertname: alert,
        exp_alerts: fires.map(({ labels, summary }) => ({
          exp_labels: labels,
          exp_annotations: { ...annotations.get(alert), summary },
        })),
      },
    ],
  }));
  writeFileSync(
    join(folder, 'tests.yaml'),
    stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests }),
  );
  return promtool(['test', 'rules', 'tests.yaml'], folder);
};
