/** The plan of each kind of build for each family of TensorRT versions, and each refusal with its words. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { TensorRtPlan } from '../../src/ground/contract/tensorrt-plan.ts';
import { families, findFamily } from '../../src/ground/plans/families.ts';
import { planTensorRt } from '../../src/ground/plans/make-plan.ts';
import type { PlanRefusal } from '../../src/ground/plans/plan-request.ts';
import { combinations } from './combinations.ts';

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/tensorrt/plans.json'), 'utf8'),
) as Readonly<Record<string, TensorRtPlan | PlanRefusal>>;
const planned = Object.entries(golden).flatMap(([name, row]) =>
  'planVersion' in row ? [{ name, ...row }] : [],
);
const refused = Object.entries(golden).flatMap(([name, row]) => ('rule' in row ? [{ name, ...row }] : []));

for (const { name, request } of combinations)
  test(`plan of ${name}`, (t) => {
    const { plan, refused: refusal } = planTensorRt(request);
    t.deepEqual({ ...(plan ?? refusal) } as object, golden[name] as object);
  });

test('every rule refuses at least one of the combinations, and each message says what to change', (t) => {
  const rules = new Set(refused.map(({ rule }) => rule));
  t.deepEqual([...rules].sort(), [
    'BatchOutOfOrder',
    'CapabilityMissing',
    'CapabilityUnknown',
    'CompatibilityMissing',
    'CompatibilityOnJetson',
    'CompatibilityTooOld',
    'DlaFloat32',
    'DlaOfOtherDevice',
    'DlaOfOtherVersion',
    'DlaQuantisers',
    'DlaTrainedScales',
    'Int8Missing',
    'PreferenceOfOtherBackend',
    'RouteMissing',
    'ScalesMissing',
    'SettingMissing',
    'TuringFloat32',
    'VersionMissing',
    'VersionUnknown',
  ]);
  for (const { name, message } of refused)
    t.regex(message, /: (set|use|leave|calibrate|give|it builds|it knows)|: .*(set|leave)/, name);
});

test('there are at least 60 plans and 30 refusals', (t) => {
  t.true(planned.length >= 60 && refused.length >= 30, `${planned.length} plans, ${refused.length} refusals`);
});

test('int8 of TensorRT 11 and RTX is a quantised graph without precision flags, whatever is asked', (t) => {
  const strong = planned.filter(
    ({ module, version }) => module === 'tensorrt_rtx' || version.from === '11.0',
  );
  for (const { name, builderFlags, layerPrecision, int8 } of strong) {
    t.deepEqual(layerPrecision, {}, name);
    t.deepEqual(
      builderFlags.filter((flag) => flag !== 'VERSION_COMPATIBLE'),
      [],
      name,
    );
    t.not(int8, 'DynamicRanges', name);
  }
});

test('a DLA gets dynamic ranges, one batch size and a float graph', (t) => {
  const onDla = planned.filter(({ dla }) => dla !== undefined);
  t.true(onDla.length >= 8);
  for (const { name, graph, batch, int8 } of onDla) {
    t.is(graph, 'Float32', name);
    t.deepEqual(batch, { min: 16, opt: 16, max: 16 }, name);
    t.not(int8, 'QdqGraph', name);
  }
});

test('each supported version is in exactly one family', (t) => {
  for (const backend of ['TensorRt', 'TensorRtRtx'] as const)
    for (const { from, below, title } of families[backend]) {
      t.is(findFamily(backend, from)?.title, title);
      t.is(findFamily(backend, `${from}.99`)?.title, title);
      t.not(findFamily(backend, below.includes('.') ? below : `${below}.0`)?.title, title);
    }
  t.is(findFamily('TensorRt', '10'), undefined, 'not a version');
});
