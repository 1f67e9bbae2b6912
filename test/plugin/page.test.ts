/** docs/plugin.md shows what the plugin prints for states that no test cluster has at a known moment. */
import test from 'ava';
import { formatHardware, reportHardware } from '../../src/cluster/plugin/hardware-report.ts';
import { formatMoment, momentOf } from '../../src/cluster/plugin/moment.ts';
import { plain } from '../../src/cluster/plugin/paint.ts';
import { reportStatus } from '../../src/cluster/plugin/status-report.ts';
import { formatStatus } from '../../src/cluster/plugin/status-text.ts';
import { a10Labels, aGpuNode, aNode, t4Labels } from '../builders/nodes.ts';
import { aClass, active, aDeviceClass, anEngineBuilt, anExported } from '../builders/objects.ts';
import { decidedAt, factsAfter } from '../builders/plugin-facts.ts';
import { blocksOf } from '../pages/blocks.ts';

const exported = { kind: 'Succeeded', result: anExported() } as const;
const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;

/** What docs/plugin.md shows below a command. */
const shownBelow = (command: string): string => {
  const block = blocksOf('docs/plugin.md').find(({ text }) => text.startsWith(`$ ${command}`));
  return block!.text.split('\n').slice(1).join('\n');
};

/** Content keys are those of other tests. */
const withoutKeys = (text: string): string => text.replaceAll(/[0-9a-f]{10,}/g, 'KEY');

test('status: an engine is being built, and another one waits', (t) => {
  const classes = [aClass('ampere'), aClass('cpu', { matchingNodes: 0 })];
  const report = { activity: 'Building', done: 2, total: 5, readAtMs: decidedAt + 55_000 } as const;
  const facts = factsAfter({ export: exported, ampere: active }, { classes }, report);
  const text = formatStatus(reportStatus(facts), { paint: plain, now: decidedAt + 60_000 });
  t.is(withoutKeys(shownBelow('kubectl modelexport status demo')), withoutKeys(text));
});

test('watch: from the export to Ready', (t) => {
  const calibrating = { activity: 'Calibrating', done: 43, total: 100, secondsLeft: 9, readAtMs: decidedAt };
  const moments = [
    ['10:02:11', factsAfter({ export: active })],
    ['10:02:32', factsAfter({ export: active }, {}, calibrating as never)],
    ['10:02:51', factsAfter({ export: exported, ampere: active, cpu: active })],
    ['10:04:07', factsAfter({ export: exported, ampere: built, cpu: built })],
  ] as const;
  const lines = moments.map(([time, { modelExport }]) =>
    formatMoment(momentOf(modelExport, Date.parse(`2026-01-01T${time}Z`)), plain),
  );
  t.is(shownBelow('kubectl modelexport watch demo'), lines.join(''));
});

test('hardware: nodes with the same reason share a line', (t) => {
  const hardware = { computeCapability: '8.6' };
  const ampere = aDeviceClass('ampere', { hardware, resources: { 'nvidia.com/gpu': '1' } });
  const nodes = [
    ...['a', 'b', 'c', 'd'].map((name) => aNode(`cpu-${name}`)),
    aGpuNode('gpu-1', a10Labels),
    aGpuNode('gpu-2', a10Labels, { unschedulable: true }),
    aGpuNode('gpu-3', t4Labels),
  ];
  t.is(shownBelow('kubectl modelexport hardware'), formatHardware(reportHardware([ampere], nodes), plain));
});
