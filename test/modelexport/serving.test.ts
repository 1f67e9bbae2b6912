/** What serving needs of an engine: the description of the network reaches its pod, and status says where its files are. */
import test from 'ava';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { EngineBuilt } from '../../src/ground/contract/result.ts';
import type { EngineTask } from '../../src/ground/contract/task.ts';
import { aClass, aModelExport, anEngineBuilt, anExported, anObserved } from '../builders/objects.ts';
import { finish, performActions, settle } from '../builders/perform-actions.ts';

const modelExport = aModelExport({ spec: { deviceClasses: [{ name: 'ampere' }] } });
const start = (): ObservedExport => settle(anObserved({ classes: [aClass('ampere')], modelExport }));

const file = (name: string, digit: string) => ({ file: name, sha256: digit.repeat(64), sizeBytes: 10 });
const exported = anExported({
  deployment: file('deployment.json', '1'),
  codecEtlt: file('model.codec.etlt', '2'),
});

/** The task of the engine Job that is created when the export is complete. */
const engineTask = (observed: ObservedExport): EngineTask => {
  const { actions } = decide(observed);
  const created = actions.flatMap((action) => (action.kind === 'CreateJob' ? [action.job] : []));
  const text = /"--task",("\{.*?\}")/.exec(JSON.stringify(created))![1]!;
  return JSON.parse(JSON.parse(text)) as EngineTask;
};

test('the pod of an engine gets the description of the network, the .etlt of the codec and the image of its builder', (t) => {
  const done = finish(start(), () => ({ kind: 'Succeeded', result: exported }));
  const { network, encodedModel, image, etlt } = engineTask(done);
  const folder = etlt.uri.slice(0, etlt.uri.lastIndexOf('/'));
  t.deepEqual(network, { uri: `${folder}/deployment.json`, sha256: '1'.repeat(64) });
  t.is(encodedModel, `${folder}/model.codec.etlt`);
  t.is(image, anObserved().images.rtx);
});

test('status names the files and the evidence of an engine, also after later reconciles', (t) => {
  const result = {
    ...anEngineBuilt(),
    evidence: { scalesUsed: 12, scalesGiven: 14, layers: { int8: 20, fp32: 3 } },
    deployment: {
      triton: 'model.config.pbtxt',
      provenance: 'model.intoto.json',
      description: 'model.deployment.json',
    },
  };
  let observed = settle(finish(start(), () => ({ kind: 'Succeeded', result: exported })));
  observed = settle(finish(observed, () => ({ kind: 'Succeeded', result })));
  observed = performActions({ ...observed, jobs: [] }, decide({ ...observed, jobs: [] }).actions);
  const { uri, deployment, evidence } = observed.modelExport.status!.engines![0]!;
  const folder = uri!.slice(0, uri!.lastIndexOf('/'));
  t.deepEqual(deployment, {
    triton: `${folder}/model.config.pbtxt`,
    provenance: `${folder}/model.intoto.json`,
    description: `${folder}/model.deployment.json`,
  });
  t.deepEqual(evidence, result.evidence);
  t.is(observed.modelExport.status!.export!.deployment!.sha256, '1'.repeat(64));
});

test('status says that an int8 engine is slower than float, and nothing of one that is as fast', (t) => {
  const messageOf = (latency: NonNullable<EngineBuilt['latency']>) => {
    const exportDone = settle(finish(start(), () => ({ kind: 'Succeeded', result: exported })));
    const result = { ...anEngineBuilt(), latency };
    const { modelExport } = settle(finish(exportDone, () => ({ kind: 'Succeeded', result })));
    return modelExport.status!.engines![0]!.conditions!.find(({ type }) => type === 'Built')!.message;
  };
  t.is(
    messageOf({ p50Microseconds: 18_100, floatP50Microseconds: 3400 }),
    'stored and verified; on this processor, int8 is slower than float: 18.1 ms against 3.4 ms. For speed, build this class in fp32, or with engine.prefer: Fastest',
  );
  t.is(messageOf({ p50Microseconds: 3400, floatP50Microseconds: 3400 }), 'stored and verified');
  t.is(messageOf({ p50Microseconds: 3400 }), 'stored and verified', 'an engine of fp32');
});
