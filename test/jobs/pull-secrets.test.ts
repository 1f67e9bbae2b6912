/** Pull secrets of an export's pods: those of the installation, then those of the object. */
import test from 'ava';
import { makeEngineJob } from '../../src/cluster/jobs/engine-job.ts';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import type { JobDraft } from '../../src/cluster/jobs/job.ts';
import { hashTemplate } from '../../src/cluster/jobs/template.ts';
import { makeTensorfileJob } from '../../src/cluster/jobs/tensorfile-job.ts';
import { aDeviceClass, aModelExport, aTensorfile, someArtifacts } from '../builders/objects.ts';

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
const jobs = { imagePullSecrets: [{ name: 'team' }, { name: 'shared' }] };

const secretsOf = ({ spec }: JobDraft): unknown =>
  (spec.template as { spec: { imagePullSecrets?: unknown } }).spec.imagePullSecrets;

const jobsFor = (
  pullSecrets: readonly string[] | undefined,
  of: { jobs?: typeof jobs },
): readonly JobDraft[] => {
  const ours = { ...images, ...(pullSecrets && { pullSecrets }) };
  const owner = aModelExport({ spec: of });
  const engine = { owner, deviceClass: aDeviceClass('cpu'), exported: someArtifacts(), images: ours };
  return [
    makeExportJob(owner, ours),
    makeEngineJob(engine),
    makeTensorfileJob(aTensorfile({ spec: of }), ours),
  ];
};

test('every pod lists the pull secrets of the installation, then its own, each once', (t) => {
  for (const job of jobsFor(['mirror', 'shared'], { jobs }))
    t.deepEqual(secretsOf(job), [{ name: 'mirror' }, { name: 'shared' }, { name: 'team' }]);
});

test('without either, pods name no pull secret', (t) => {
  for (const job of jobsFor(undefined, {})) t.is(secretsOf(job), undefined);
});

test('an installation without pull secrets creates the same Jobs as before', (t) => {
  const before = jobsFor(undefined, { jobs });
  t.deepEqual(jobsFor([], { jobs }).map(hashTemplate), before.map(hashTemplate));
  t.deepEqual(secretsOf(before[0]!), jobs.imagePullSecrets);
});
