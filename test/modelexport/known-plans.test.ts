import test from 'ava';
import { toKnownPlan } from '../../src/cluster/modelexport/known-plans.ts';
import { aDeviceClass, aModelExport, someArtifacts } from '../builders/objects.ts';

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
const aPlan = () => ({
  owner: aModelExport(),
  deviceClass: aDeviceClass('cpu'),
  exported: someArtifacts(),
  images,
});

test('an equal plan of the same objects is the plan that was known before', (t) => {
  const plan = aPlan();
  t.is(toKnownPlan(plan), plan);
  t.is(toKnownPlan({ ...plan, exported: someArtifacts() }), plan);
});

test('another version of the export, the class, the images or the artifacts is another plan', (t) => {
  const plan = aPlan();
  toKnownPlan(plan);
  const { exported } = plan;
  for (const change of [
    { owner: aModelExport() },
    { deviceClass: aDeviceClass('cpu') },
    { images: { ...images } },
    { exported: { ...exported, folder: 'pvc://exports/other' } },
  ]) {
    const changed = { ...plan, ...change };
    t.is(toKnownPlan(changed), changed);
  }
});
