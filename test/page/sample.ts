/** ModelExports at several moments of their lives. */
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import type { EngineBuilt } from '../../src/ground/contract/result.ts';
import { active, aModelExport, anEngineBuilt, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';

const exported = {
  kind: 'Succeeded',
  result: { ...anExported(), report: { file: 'report.json', pageFile: 'report.html' } },
} as const;
const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;
const refused = {
  kind: 'Failed',
  reason: 'EngineBuildFailed',
  message: 'the builder refused the graph',
} as const;

type Described = {
  readonly name: string;
  readonly namespace?: string;
  /** Of the condition Ready, and of each engine. */
  readonly message?: string;
  readonly deviceClasses?: readonly string[];
};

/** An export without a status, or with one that has this message everywhere. */
export const anExportOf = ({
  name,
  namespace = 'vision',
  message,
  deviceClasses = ['cpu'],
}: Described): ModelExport => {
  const made = aModelExport({
    metadata: { name, namespace },
    spec: { deviceClasses: deviceClasses.map((each) => ({ name: each })) },
  });
  if (message === undefined) return made;
  const condition = (type: string) => ({
    type,
    status: 'False',
    reason: 'EngineBuildFailed',
    message,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  return {
    ...made,
    status: {
      observedGeneration: 1,
      conditions: [condition('Ready')],
      engines: deviceClasses.map((deviceClass) => ({ deviceClass, conditions: [condition('Built')] })),
    },
  } as ModelExport;
};

type States = Parameters<typeof factsAfter>[0];

const decided = (namespace: string, name: string, states: States): ModelExport =>
  factsAfter(states, { modelExport: aModelExport({ metadata: { name, namespace } }) }).modelExport;

const reported = {
  activity: 'Building',
  percent: 43,
  done: 43,
  total: 100,
  secondsLeft: 130,
  reportedAt: '2026-01-01T00:00:00Z',
} as const;

/** The engine of this class is being built, and its pod has reported. */
const withReport = (modelExport: ModelExport, name: string): ModelExport => {
  const engines = modelExport.status!.engines!.map((engine) =>
    engine.deviceClass === name ? { ...engine, running: reported } : engine,
  );
  return { ...modelExport, status: { ...modelExport.status!, engines } };
};

/** One that failed, one that is being built, one that is new, and one that is Ready; not sorted. */
export const severalExports = (): readonly ModelExport[] => [
  decided('vision', 'reader', { export: exported, ampere: built, cpu: built }),
  withReport(decided('vision', 'detector', { export: exported, ampere: active, cpu: built }), 'ampere'),
  anExportOf({ name: 'empty' }),
  decided('radar', 'defects', { export: exported, ampere: refused, cpu: built }),
];

/** A Ready export whose engine of class `cpu` was stored in this precision, for this reason. */
export const aReadyExport = (chosen: NonNullable<EngineBuilt['chosen']>): ModelExport =>
  decided('vision', 'reader', {
    export: exported,
    ampere: built,
    cpu: { kind: 'Succeeded', result: { ...anEngineBuilt(), chosen } },
  });
