/** What a device class and a ModelExport ask of classic TensorRT: each field changes the plan, and with it the engine's key. */
import test from 'ava';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { computeEngineKey, makeEngineTask } from '../../src/cluster/jobs/engine-job.ts';
import { findEngineRefusal } from '../../src/cluster/jobs/engine-request.ts';
import { makeEngineRequest, planEngine } from '../../src/ground/plans/engine-plan.ts';
import { aDeviceClass, aModelExport, someArtifacts } from '../builders/objects.ts';

type Engine = ExportDeviceClass['spec']['engine'];
type Changes = {
  readonly engine?: Partial<Engine>;
  readonly spec?: Partial<ModelExport['spec']>;
  readonly hardware?: ExportDeviceClass['spec']['hardware'];
  readonly algorithm?: 'Trained';
};

const classic: Engine = { backend: 'TensorRt', version: '10.3', image: `trt@sha256:${'a'.repeat(64)}` };

const asked = ({ engine, spec, hardware, algorithm }: Changes) => {
  const deviceClass = aDeviceClass('orin', {
    engine: { ...classic, ...engine },
    ...(hardware && { hardware }),
  });
  const owner = aModelExport({ spec: { dataType: 'int8', deviceClasses: [{ name: 'orin' }], ...spec } });
  const artifacts = someArtifacts();
  const calibrationCache = { ...artifacts.calibrationCache!, ...(algorithm && { algorithm }) };
  const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
  return { owner, deviceClass, exported: { ...artifacts, calibrationCache }, images };
};

const planOf = (changes: Changes) => {
  const { plan, refused } = planEngine(makeEngineRequest(makeEngineTask(asked(changes))));
  return plan?.tensorRt ?? refused;
};

const fields: Readonly<Record<string, Changes>> = {
  'engine.version': { engine: { version: '10.7' } },
  'engine.version of another family': { engine: { version: '8.6' } },
  'engine.dlaCore': { engine: { dlaCore: 1 } },
  'engine.dlaGpuFallback': { engine: { dlaCore: 1, dlaGpuFallback: false } },
  'engine.tensorRt.int8': { engine: { tensorRt: { int8: 'DynamicRanges' } } },
  'engine.tensorRt.versionCompatible': { engine: { tensorRt: { versionCompatible: true } } },
  'engine.tensorRt.hardwareCompatibilityLevel': {
    engine: { tensorRt: { hardwareCompatibilityLevel: 'AmperePlus' } },
  },
  'engine.tensorRt.maxAuxStreams': { engine: { tensorRt: { maxAuxStreams: 2 } } },
  'hardware.computeCapability': { hardware: { computeCapability: '8.7' } },
  'hardware.products': { hardware: { products: ['NVIDIA-A10'] } },
  strictTypeConstraints: { spec: { strictTypeConstraints: true } },
};

for (const [field, changes] of Object.entries(fields))
  test(`${field} changes the plan and the key`, (t) => {
    t.notDeepEqual(planOf(changes), planOf({}));
    t.not(computeEngineKey(asked(changes)), computeEngineKey(asked({})));
  });

test('strict types change neither plan nor key where every type is strict', (t) => {
  const strict = { spec: { strictTypeConstraints: true } };
  for (const engine of [{ version: '11.0' }, { backend: 'OnnxRuntime' }] as const)
    t.is(
      computeEngineKey(asked({ engine, ...strict })),
      computeEngineKey(asked({ engine })),
      JSON.stringify(engine),
    );
});

test('a new version of one class leaves the engines of the others', (t) => {
  const other = () => computeEngineKey({ ...asked({}), deviceClass: aDeviceClass('cpu') });
  t.is(other(), other());
  t.not(computeEngineKey(asked({ engine: { version: '10.5' } })), computeEngineKey(asked({})));
});

test('timing caches are shared by class and version, and only where the builder has them', (t) => {
  const timings = (changes: Changes) => makeEngineTask(asked(changes)).timings;
  t.is(timings({}), 'pvc://exports/classifier/timings/orin/10.3');
  t.is(timings({ engine: { version: '10.7' } }), 'pvc://exports/classifier/timings/orin/10.7');
  t.is(timings({ engine: { backend: 'TensorRtRtx', version: '1.7', computeCapability: '8.6' } }), undefined);
});

test('prefer: Fastest changes the key of a CPU engine, with the accuracy gate; its default is as if it were absent', (t) => {
  const cpu = (engine: Partial<Engine>, minAgreement?: number) =>
    asked({
      engine: { ...engine, backend: 'OnnxRuntime' },
      spec: { calibration: { ...aModelExport().spec.calibration!, minAgreement } as never },
    });
  const key = (engine: Partial<Engine>, minAgreement?: number) => computeEngineKey(cpu(engine, minAgreement));
  t.is(key({ prefer: 'Precision' }), key({}));
  t.is(key({}, 20), key({}), 'the gate of the export decides nothing of an engine that stays int8');
  t.not(key({ prefer: 'Fastest' }), key({}));
  t.not(key({ prefer: 'Fastest' }, 20), key({ prefer: 'Fastest' }));
  const task = makeEngineTask(cpu({ prefer: 'Fastest' }, 20));
  t.is(task.settings.prefer, 'Fastest');
  t.is(task.minAgreement, 20);
  t.deepEqual(makeEngineTask(cpu({ prefer: 'Precision' })).settings, makeEngineTask(cpu({})).settings);
  const { owner, deviceClass } = asked({ engine: { prefer: 'Fastest' } });
  t.regex(
    findEngineRefusal({ spec: owner.spec, deviceClass })!.message,
    /TensorRt cannot time int8 against float.*leave engine\.prefer out/,
  );
});

test('scales of training on a DLA are refused once the export shows them, and before it by their source', (t) => {
  const engine = { dlaCore: 0 } as const;
  const says = /a DLA needs a scale for every tensor.*set spec\.forcePtq/;
  const { owner, deviceClass } = asked({ engine });
  t.is(findEngineRefusal({ spec: owner.spec, deviceClass, isTrained: false }), undefined);
  t.regex(findEngineRefusal({ spec: owner.spec, deviceClass, isTrained: true })!.message, says);
  const calibration = { ...owner.spec.calibration!, source: 'Model' as const };
  t.regex(findEngineRefusal({ spec: { ...owner.spec, calibration }, deviceClass })!.message, says);
  t.regex((planOf({ engine, algorithm: 'Trained' }) as { message: string }).message, /a DLA needs/);
});
