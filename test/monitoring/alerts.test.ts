/** Each alert fires when it should and is silent when it should not, by promtool; each has a page. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { alerts } from '../../src/cluster/manifests/monitoring/alerts.ts';
import { dashboard } from '../../src/cluster/manifests/monitoring/dashboard.ts';
import { rows } from '../../src/cluster/manifests/monitoring/dashboard-rows.ts';
import { ruleGroups } from '../../src/cluster/manifests/monitoring/prometheus.ts';
import { listMetrics } from '../../src/ground/observability/list-metrics.ts';
import { checkRules, type RuleCase, testRules } from './promtool.ts';

const root = join(import.meta.dirname, '..', '..');

test('promtool accepts the rules', (t) => {
  t.regex(checkRules(), new RegExp(`SUCCESS: ${alerts.length} rules found`));
});

const errors = 'controller_runtime_reconcile_errors_total{controller="modelexport"}';
const stalled =
  'modelexport_condition{condition="Stalled",status="True",kind="ModelExport",namespace="vision",name="peds",reason="WrongKey"}';
const failed =
  'modelexport_builds_total{stage="engine",device_class="t4",result="failed",reason="BuildFailed"}';
const succeeded =
  'modelexport_builds_total{stage="engine",device_class="t4",result="succeeded",reason="Stored"}';
const waiting = 'modelexport_engines{device_class="t4",reason="NoMatchingNode"}';
const t4 = { stage: 'engine', device_class: 't4', severity: 'warning' };

type Case = Omit<RuleCase, 'alert'>;
/** Alert → cases; the first fires, the second is near and does not. */
const cases: Readonly<Record<string, readonly [Case, Case]>> = {
  TltExportOperatorDown: [
    {
      series: { up: '1x20' },
      at: '12m',
      fires: [
        { labels: { severity: 'critical' }, summary: 'No replica of the TLT export operator is scraped.' },
      ],
    },
    { series: { modelexport_build_info: '1x20' }, at: '12m', fires: [] },
  ],
  TltExportNoLeader: [
    {
      series: {
        'leader_election_master_status{name="tlt-export-operator",pod="a"}': '0x20',
        'leader_election_master_status{name="tlt-export-operator",pod="b"}': '0x20',
      },
      at: '8m',
      fires: [
        {
          labels: { severity: 'critical' },
          summary: 'No replica of the TLT export operator holds the lease.',
        },
      ],
    },
    {
      series: {
        'leader_election_master_status{name="tlt-export-operator",pod="a"}': '0x20',
        'leader_election_master_status{name="tlt-export-operator",pod="b"}': '1x20',
      },
      at: '8m',
      fires: [],
    },
  ],
  TltExportReconcileErrors: [
    {
      series: { [errors]: '0+10x60' },
      at: '40m',
      fires: [
        {
          labels: { controller: 'modelexport', severity: 'warning' },
          summary: 'Reconciles of modelexport fail.',
        },
      ],
    },
    {
      series: { 'controller_runtime_reconcile_errors_total{controller="other"}': '0+10x60' },
      at: '40m',
      fires: [],
    },
  ],
  TltExportDefect: [
    {
      series: { 'controller_runtime_reconcile_panics_total{controller="modelexport"}': '0 0 1 1 1' },
      at: '4m',
      fires: [
        {
          labels: { controller: 'modelexport', severity: 'warning' },
          summary: 'A reconcile of modelexport ended by a defect of the operator.',
        },
      ],
    },
    {
      series: { 'controller_runtime_reconcile_panics_total{controller="modelexport"}': '1x30' },
      at: '20m',
      fires: [],
    },
  ],
  TltExportQueueStuck: [
    {
      series: { 'workqueue_longest_running_processor_seconds{controller="modelexport"}': '0+60x30' },
      at: '20m',
      fires: [
        {
          labels: { controller: 'modelexport', severity: 'warning' },
          summary: 'One reconcile of modelexport has run for more than 10 minutes.',
        },
      ],
    },
    {
      series: { 'workqueue_longest_running_processor_seconds{controller="modelexport"}': '500x30' },
      at: '20m',
      fires: [],
    },
  ],
  TltExportCacheStale: [
    {
      series: { 'modelexport_informer_last_event_age_seconds{resource="pods"}': '0+60x30' },
      at: '12m',
      fires: [
        {
          labels: { resource: 'pods', severity: 'warning' },
          summary: 'The cache of pods has received nothing for more than 3 minutes.',
        },
      ],
    },
    {
      series: { 'modelexport_informer_last_event_age_seconds{resource="pods"}': '60x30' },
      at: '12m',
      fires: [],
    },
  ],
  TltExportStalled: [
    {
      series: { [stalled]: '1x60' },
      at: '20m',
      fires: [
        {
          labels: {
            condition: 'Stalled',
            status: 'True',
            kind: 'ModelExport',
            namespace: 'vision',
            name: 'peds',
            reason: 'WrongKey',
            severity: 'warning',
          },
          summary: 'ModelExport vision/peds is stalled: WrongKey.',
        },
      ],
    },
    { series: { [stalled]: '1x10 _x50' }, at: '20m', fires: [] },
  ],
  TltExportEnginesWaiting: [
    {
      series: { [waiting]: '2x500' },
      at: '7h',
      fires: [
        {
          labels: { device_class: 't4', reason: 'NoMatchingNode', severity: 'info' },
          summary: 'Engines for device class t4 have waited for 6 hours: NoMatchingNode.',
        },
      ],
    },
    { series: { [waiting]: '2x500' }, at: '5h', fires: [] },
  ],
  TltExportBuildsFail: [
    {
      series: { [failed]: '0 1 2 3 4 4 4', [succeeded]: '0 1 1 1 1 1 1' },
      at: '6m',
      fires: [{ labels: t4, summary: 'Most engine attempts for t4 fail.' }],
    },
    { series: { [failed]: '0 1 2 3 4 4 4', [succeeded]: '0 3 6 9 9 9 9' }, at: '6m', fires: [] },
  ],
};

test('every alert has a case that fires and one that does not', (t) => {
  t.deepEqual(
    Object.keys(cases),
    alerts.map(({ name }) => name),
  );
  for (const [name, [fires, silent]] of Object.entries(cases)) {
    t.true(fires.fires.length > 0, name);
    t.is(silent.fires.length, 0, name);
  }
});

test('alerts fire and stay silent as promtool computes them', (t) => {
  const all = Object.entries(cases).flatMap(([alert, both]) => both.map((each) => ({ ...each, alert })));
  t.regex(testRules(all), /SUCCESS/);
});

test('a wrong expectation fails the check', (t) => {
  const [fires] = cases.TltExportStalled!;
  t.throws(() => testRules([{ ...fires, alert: 'TltExportStalled', fires: [] }]), { message: /FAILED/ });
});

const histogramParts = /_(bucket|sum|count)$/;

test('queries of alerts and of the dashboard use metrics that the operator has', (t) => {
  const known = new Set([
    'process_resident_memory_bytes',
    ...Object.values(listMetrics())
      .flat()
      .map(({ name }) => name),
  ]);
  const expressions = [
    ...alerts.map(({ expression }) => expression),
    ...rows.flatMap(({ panels }) =>
      panels.flatMap(({ queries }) => queries.map(({ expression }) => expression)),
    ),
  ];
  for (const expression of expressions)
    for (const [name] of expression.matchAll(
      /\b(modelexport|controller_runtime|workqueue|rest_client|leader_election|process)_\w+/g,
    ))
      t.true(known.has(name.replace(histogramParts, '')), `${name} in ${expression}`);
});

test('the page that each alert names exists and has all parts', (t) => {
  for (const { alert, annotations } of ruleGroups.flatMap(({ rules }) => rules)) {
    const path = join(root, annotations.runbook);
    t.true(existsSync(path), alert);
    const page = readFileSync(path, 'utf8');
    for (const part of [`# ${alert}`, '## Meaning', '## Impact', '## Diagnosis', '## Mitigation'])
      t.true(page.includes(part), `${alert}: ${part}`);
  }
});

test('panels of the dashboard have ids of their own and do not overlap', (t) => {
  const { panels } = dashboard();
  t.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  t.is(new Set(cells).size, cells.length);
});
