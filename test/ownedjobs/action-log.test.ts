/** The log of the operator: one line for each thing that it does to an object, with the names that a reader searches for. */
import test from 'ava';
import type { ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { Action } from '../../src/cluster/ownedjobs/action.ts';
import { makeActionLog, makeRefusalLog } from '../../src/cluster/ownedjobs/action-log.ts';
import { apply } from '../../src/cluster/ownedjobs/apply.ts';
import { OwnWrites } from '../../src/cluster/ownedjobs/own-writes.ts';
import { Refusals } from '../../src/cluster/ownedjobs/refusals.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import type { Fields, Log } from '../../src/ground/observability/log.ts';
import { HandClock } from '../base/hand-clock.ts';
import { aModelExport, anObserved } from '../builders/objects.ts';
import { finish, settle, succeed } from '../builders/perform-actions.ts';

type Line = { readonly level: string; readonly message: string } & Readonly<Record<string, unknown>>;

const aLog = () => {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Fields = {}): void =>
      void lines.push({ level, message, ...fields });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
};

type ExportAction = Action<ModelExportStatus>;
type Kind = ExportAction['kind'];

/** The lines about the actions of one kind that are decided about this observation. */
const linesOf = (observed: ObservedExport, kind: Kind): readonly Line[] => {
  const { log, lines } = aLog();
  const actions = decide(observed).actions.filter((action) => action.kind === kind);
  for (const action of actions) makeActionLog(log)(action, observed.modelExport);
  return lines;
};

const exporting = settle(anObserved());
const building = settle(succeed(exporting));
const changed = (observed: ObservedExport, spec: Parameters<typeof aModelExport>[0]): ObservedExport => ({
  ...observed,
  modelExport: {
    ...aModelExport(spec),
    status: observed.modelExport.status!,
    metadata: { ...observed.modelExport.metadata, generation: 2 },
  },
});
const suspended = changed(building, { spec: { suspend: true } });
const stalled = finish(exporting, () => ({ kind: 'Failed', reason: 'WrongKey', message: 'as said' }));

const job = { job: /^demo-/, key: /^[0-9a-f]{16}$/ };

/** For every kind of action: an observation that causes it, and its lines. `satisfies` keeps the table complete. */
const effects = {
  CreateJob: [
    [settle(anObserved({ jobs: [] })), []],
    [{ ...exporting, jobs: [] }, [{ level: 'info', message: 'created a Job', stage: 'export', ...job }]],
  ],
  DeleteJob: [
    [
      changed(exporting, { spec: { model: { uri: 'pvc://models/other.tlt' } } }),
      [
        {
          level: 'info',
          message: 'deleted a Job',
          stage: 'export',
          why: /the spec does not request it/,
          ...job,
        },
      ],
    ],
  ],
  SuspendJob: [
    [
      suspended,
      ['ampere', 'cpu'].map((deviceClass) => ({
        level: 'info',
        message: 'suspended a Job',
        stage: 'engine',
        deviceClass,
        ...job,
      })),
    ],
    [
      changed(settle(suspended), { spec: { suspend: false } }),
      ['ampere', 'cpu'].map((deviceClass) => ({
        level: 'info',
        message: 'resumed a Job',
        stage: 'engine',
        deviceClass,
        ...job,
      })),
    ],
  ],
  WriteStatus: [
    [
      anObserved(),
      [
        {
          level: 'info',
          message: 'status changed',
          ready: 'False',
          reason: 'Exporting',
          detail: 'the model is being exported',
        },
      ],
    ],
    [
      stalled,
      [
        {
          level: 'warn',
          message: 'an attempt failed',
          stage: 'export',
          reason: 'WrongKey',
          job: /^demo-export/,
        },
        { level: 'info', message: 'status changed', ready: 'False', reason: 'WrongKey' },
      ],
    ],
    [
      succeed(building),
      [
        { level: 'info', message: 'stored an artifact', deviceClass: 'ampere', job: /^demo-ampere/ },
        { level: 'info', message: 'stored an artifact', deviceClass: 'cpu', job: /^demo-cpu/ },
        { level: 'info', message: 'status changed', ready: 'True', reason: 'Ready' },
      ],
    ],
  ],
  PublishEvent: [
    [
      stalled,
      [
        {
          level: 'info',
          message: 'published an event',
          type: 'Warning',
          reason: 'WrongKey',
          detail: 'export failed: as said',
        },
      ],
    ],
  ],
} satisfies Record<
  Kind,
  readonly (readonly [ObservedExport, readonly Readonly<Record<string, unknown>>[]])[]
>;

for (const [kind, cases] of Object.entries(effects))
  test(`${kind} is one line with kind, namespace and name of the object, and what it concerns`, (t) => {
    for (const [observed, expected] of cases) {
      const lines = linesOf(observed, kind as Kind);
      t.is(lines.length, expected.length, JSON.stringify(lines));
      for (const [index, fields] of expected.entries())
        for (const [name, value] of Object.entries({
          ...fields,
          kind: 'ModelExport',
          namespace: 'vision',
          name: 'demo',
        })) {
          const found = lines[index]![name];
          if (value instanceof RegExp) t.regex(String(found), value, name);
          else t.is(found, value, name);
        }
    }
  });

test('a Job that the apiserver rejects is one line, however often it is tried again', async (t) => {
  const { log, lines } = aLog();
  const clock = new HandClock();
  const refusal = new ApiError({ status: 403, reason: 'Forbidden', message: 'exceeded quota: few' });
  const deps = {
    client: { create: () => Promise.reject(refusal) } as unknown as KubeClient,
    record: async () => {},
    refusals: new Refusals(clock),
    onPerformed: makeActionLog(log),
    onRefused: makeRefusalLog(log),
    ownWrites: new OwnWrites(clock),
  };
  const { modelExport } = exporting;
  const { actions } = decide({ ...exporting, jobs: [] });
  const { signal } = new AbortController();
  for (let attempt = 0; attempt < 3; attempt++) await apply({ actions }, modelExport, { deps, signal });
  const about = { kind: 'ModelExport', namespace: 'vision', name: 'demo', stage: 'export' };
  t.is(lines.length, 1);
  t.like(lines[0], {
    ...about,
    level: 'warn',
    message: 'the apiserver rejected a Job',
    detail: 'exceeded quota: few',
  });
  t.regex(String(lines[0]!.job), job.job);
});
