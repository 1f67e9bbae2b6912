/** `kubectl modelexport status`: texts of statuses that the operator's decisions make. */
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import type { Facts } from '../../src/cluster/plugin/objects.ts';
import { colour, plain } from '../../src/cluster/plugin/paint.ts';
import { reportStatus } from '../../src/cluster/plugin/status-report.ts';
import { formatStatus } from '../../src/cluster/plugin/status-text.ts';
import { aClass, active, aModelExport, anEngineBuilt, anExported } from '../builders/objects.ts';
import { aWarning, decidedAt, factsAfter } from '../builders/plugin-facts.ts';

const exported = { kind: 'Succeeded', result: anExported() } as const;
const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;

/** The text one minute after the status was decided; content keys are replaced, because other tests hold them. */
const textOf = (facts: Facts, paint = plain): string =>
  formatStatus(reportStatus(facts), { paint, now: decidedAt + 60_000 }).replaceAll(/[0-9a-f]{10,}/g, 'KEY');

test('while an engine is built, the tree shows its Job and pod, and why the other one waits', (t) => {
  const classes = [aClass('ampere'), aClass('cpu', { matchingNodes: 0 })];
  t.is(
    textOf(factsAfter({ export: exported, ampere: active }, { classes })),
    `ModelExport vision/demo: Reconciling, engines 0/2
│  BuildingEngines: 0 of 2 engines built; cpu waits: no ready node matches device class cpu: add one, or fix the class's nodeSelector and hardware
├─ ✔ export: Exported
│  ├─ etlt pvc://exports/classifier/KEY/model.etlt (1000 B)
│  ├─ calibrationCache pvc://exports/classifier/KEY/calibration.cache (100 B)
│  └─ Job demo-export-KEY: Complete, 40s
├─ ● engine ampere (int8): Building
│  ├─ being built
│  └─ Job demo-ampere-KEY: Active, 55s
│     └─ Pod demo-ampere-KEY-x7k2p: Running on gpu-1, build runs
└─ ◌ engine cpu (int8): NoMatchingNode
   └─ no ready node matches device class cpu: add one, or fix the class's nodeSelector and hardware

Next
  engine cpu (NoMatchingNode): Add a node, fix nodeSelector or hardware of the class, or set allowPending for a cluster autoscaler.
`,
  );
});

test('the tree shows what the pod of a stage reported last', (t) => {
  const report = {
    activity: 'Calibrating',
    done: 86,
    total: 200,
    perSecond: 12.1,
    secondsLeft: 130,
    readAtMs: decidedAt + 55_000,
  } as const;
  const facts = factsAfter({ export: active }, {}, report);
  t.true(
    textOf(facts).includes(
      '├─ ● export: Exporting\n│  ├─ the model is being exported\n│  ├─ calibrating 43%, 2m left: 86 of 200, 12.1 per second, 5s ago\n',
    ),
    textOf(facts),
  );
  const [stage] = reportStatus(facts).stages;
  t.like(stage!.running, { activity: 'Calibrating', percent: 43, secondsLeft: 130 });
});

test('an activity of a newer operator is shown by its name', (t) => {
  const { modelExport, ...facts } = factsAfter({ export: active });
  const running = { activity: 'Pruning' as never, percent: 7, reportedAt: '2026-01-01T00:00:00Z' };
  const status = { ...modelExport.status, export: { ...modelExport.status?.export, running } };
  t.regex(textOf({ ...facts, modelExport: { ...modelExport, status } }), /─ Pruning 7%: 60s ago\n/);
});

test('after a failure, the text names the remedy, and escapes what the pod wrote', (t) => {
  const refused = {
    kind: 'Failed',
    reason: 'EngineBuildFailed',
    message: 'the builder refused\u001b[2J',
  } as const;
  t.is(
    textOf(factsAfter({ export: exported, ampere: refused, cpu: built })),
    `ModelExport vision/demo: Stalled, engines 1/2
│  EnginesFailed: 1 of 2 engines built; ampere failed (EngineBuildFailed): the builder refused\\x1b[2J
├─ ✔ export: Exported
│  ├─ etlt pvc://exports/classifier/KEY/model.etlt (1000 B)
│  ├─ calibrationCache pvc://exports/classifier/KEY/calibration.cache (100 B)
│  └─ Job demo-export-KEY: Complete, 40s
├─ ✖ engine ampere (int8): EngineBuildFailed
│  ├─ the builder refused\\x1b[2J
│  └─ Job demo-ampere-KEY: Failed, 45s
└─ ✔ engine cpu (int8): Built
   ├─ engine pvc://exports/classifier/KEY/engines/cpu/KEY/model.engine (4.9 KiB)
   └─ Job demo-cpu-KEY: Complete, 40s

Next
  engine ampere (EngineBuildFailed): Read the output of the builder in the message. A smaller maxWorkspaceSize or another dataType may help.
`,
  );
});

test('a transient failure is a wait with the time of the next attempt', (t) => {
  const drained = { kind: 'Failed', reason: 'Disrupted', message: 'the node was drained' } as const;
  const text = textOf(factsAfter({ export: exported, ampere: drained, cpu: built }));
  t.regex(text, /◌ engine ampere \(int8\): Disrupted, next attempt in \d+s/);
  t.regex(text, /^ModelExport vision\/demo: Reconciling/);
});

test('a Ready export has no next step', (t) => {
  const facts = factsAfter({ export: exported, ampere: built, cpu: built });
  t.deepEqual(reportStatus(facts).next, []);
  t.regex(textOf(facts), /^ModelExport vision\/demo: Ready, engines 2\/2\n/);
});

test('where the build chose the precision, the tree shows what is stored, and why', (t) => {
  const because = 'On this processor, int8 takes 18.1 ms and float 3.4 ms.';
  const chosen = { dataType: 'fp32', because } as const;
  const cpu = { kind: 'Succeeded', result: { ...anEngineBuilt(), chosen } } as const;
  const text = textOf(factsAfter({ export: exported, ampere: built, cpu }));
  t.regex(text, /engine ampere \(int8\): Built\n/);
  t.regex(
    text,
    /engine cpu \(fp32\): Built\n.*├─ On this processor, int8 takes 18\.1 ms and float 3\.4 ms\.\n/,
  );
});

test('a suspended export says how to continue', (t) => {
  const text = textOf(factsAfter({}, { modelExport: aModelExport({ spec: { suspend: true } }) }));
  t.regex(text, /: Suspended, engines 0\/2/);
  t.regex(text, /export \(Suspended\): Run: kubectl modelexport resume demo -n vision\n/);
});

test('a remedy names the command that requests another attempt', (t) => {
  const wrongKey = { kind: 'Failed', reason: 'WrongKey', message: 'the key does not open it' } as const;
  t.regex(
    textOf(factsAfter({ export: wrongKey })),
    /export \(WrongKey\): .* in the Secret, then run: kubectl modelexport retry demo -n vision\.\n/,
  );
});

test('a status of an older generation is not reported as the current one', (t) => {
  const { modelExport, ...facts } = factsAfter({ export: exported, ampere: built, cpu: built });
  const changed = { ...modelExport, metadata: { ...modelExport.metadata, generation: 2 } };
  t.is(reportStatus({ ...facts, modelExport: changed }).state, 'Unseen');
});

test('a request that the operator has not handled is waited for, not repeated', (t) => {
  const wrongKey = { kind: 'Failed', reason: 'WrongKey', message: 'the key does not open it' } as const;
  const { modelExport, ...facts } = factsAfter({ export: wrongKey });
  const annotations = { 'export.tlt.dev/requested-at': 'now' };
  const requested = { ...modelExport, metadata: { ...modelExport.metadata, annotations } };
  const text = textOf({ ...facts, modelExport: requested });
  t.regex(text, /^ModelExport vision\/demo: Requested/);
  t.regex(text, /operator \(Requested\): None for a few seconds/);
});

test('what the user may not list is named', (t) => {
  const facts = { modelExport: aModelExport(), jobs: undefined, pods: undefined, warnings: undefined };
  t.regex(textOf(facts), /Not shown: jobs, pods, events\. You may not list them/);
});

test('warnings about the export, its Jobs and pods are shown, newest first; others are not', (t) => {
  const facts = factsAfter({ export: active });
  const job = facts.jobs![0]!.metadata.name;
  const warnings = [
    aWarning('Pod', `${job}-x7k2p`, 10),
    aWarning('Job', job, 30),
    aWarning('Pod', 'of-another-export', 40),
    aWarning('ModelExport', 'demo', 20),
  ];
  t.deepEqual(
    reportStatus({ ...facts, warnings }).warnings.map(({ about }) => about),
    [`Job ${job}`, 'ModelExport demo', `Pod ${job}-x7k2p`],
  );
  t.regex(textOf({ ...facts, warnings }), /30s ago, Job demo-export-KEY: FailedMount: volume exports/);
});

test('an event cannot write control characters to the terminal', (t) => {
  const facts = factsAfter({ export: active });
  const event = { ...aWarning('ModelExport', 'demo', 10), reason: 'A\u001b[2J', message: 'b\u001b[2J' };
  t.regex(textOf({ ...facts, warnings: [event] }), /A\\x1b\[2J: b\\x1b\[2J\n/);
});

test('stages that wait for the same reason share one remedy', (t) => {
  const classes = [aClass('ampere', { matchingNodes: 0 }), aClass('cpu', { matchingNodes: 0 })];
  const { next } = reportStatus(factsAfter({ export: exported }, { classes }));
  t.deepEqual(
    next.map(({ about }) => about),
    [['engine ampere', 'engine cpu']],
  );
});

test('colours change no letter of the text', (t) => {
  const facts = factsAfter({ export: exported, ampere: active });
  const text = formatStatus(reportStatus(facts), { paint: colour, now: decidedAt });
  t.true(text.includes('\u001b[32m✔\u001b[0m export'));
  t.is(stripVTControlCharacters(text), formatStatus(reportStatus(facts), { paint: plain, now: decidedAt }));
});
