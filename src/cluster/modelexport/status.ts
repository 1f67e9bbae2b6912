/** Stages → status, whole: conditions by kstatus's rules, artifacts, one entry per device class. Pure. */
import {
  type Condition,
  type ConditionType,
  setConditions,
  type WantedCondition,
} from '../api/conditions.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { dataTypeOf, needsCalibration } from '../jobs/keys.ts';
import type { EngineStage } from './engine-stage.ts';
import type { ExportStage, ExportStatus } from './export-stage.ts';
import type { Observed } from './observed.ts';
import type { Stages } from './stages.ts';
import { type Summary, summaryOf } from './summary.ts';

type EngineStatus = NonNullable<ModelExportStatus['engines']>[number];

/** Written before anything else is done, so that no watcher takes a new object for a finished one. */
export const firstStatus = ({ modelExport, now }: Observed): ModelExportStatus => ({
  observedGeneration: modelExport.metadata.generation,
  conditions: setConditions(
    modelExport.status?.conditions,
    [
      { type: 'Reconciling', status: 'True', reason: 'Accepted', message: 'seen, and about to be exported' },
      { type: 'Stalled', status: 'False', reason: 'Accepted', message: 'nothing has failed' },
      ...firstTypes(modelExport).map(
        (type) => ({ type, status: 'Unknown', reason: 'Accepted', message: 'not looked at yet' }) as const,
      ),
    ],
    { now, generation: modelExport.metadata.generation },
  ),
  progress: 'accepted',
  ...countsOf(0, modelExport.spec.deviceClasses.length),
});

const firstTypes = ({ spec }: ModelExport): readonly ConditionType[] =>
  needsCalibration(spec)
    ? ['Ready', 'Exported', 'Calibrated', 'EnginesReady']
    : ['Ready', 'Exported', 'EnginesReady'];

const countsOf = (built: number, count: number) => ({
  enginesReady: `${built}/${count}`,
  engineCount: count,
  enginesBuilt: built,
});

export const nextStatus = (observed: Observed, stages: Stages): ModelExportStatus => {
  const { modelExport, now } = observed;
  const { generation } = modelExport.metadata;
  const summary = summaryOf(observed, stages);
  const built = stages.engines.filter(({ state }) => state.kind === 'Built').length;
  return {
    observedGeneration: generation,
    conditions: setConditions(modelExport.status?.conditions, conditionsOf(observed, stages, summary), {
      now,
      generation,
    }) as Condition[],
    export: exportedPart(modelExport, stages.exported),
    engines: stages.engines.map((stage) => engineStatus(observed, stage)),
    progress: progressOf(summary, stages, built),
    ...countsOf(built, stages.engines.length),
  };
};

/** While a changed spec is exported, status keeps naming what the old one left. */
const exportedPart = ({ status }: ModelExport, exported: ExportStage): ExportStatus => {
  const { wantedKey: _, ...stored } = exported.kind === 'Exported' ? exported.status : (status?.export ?? {});
  return { ...stored, ...(exported.wantedKey && { wantedKey: exported.wantedKey }) };
};

const engineStatus = ({ modelExport, now }: Observed, stage: EngineStage): EngineStatus => {
  const { deviceClass, wantedKey, attempts, stored, state } = stage;
  const before = modelExport.status?.engines?.find((engine) => engine.deviceClass === deviceClass);
  const built = {
    type: 'Built',
    status: state.kind === 'Built' ? 'True' : 'False',
    ...reasonOf(modelExport, stage),
  } as const;
  const { generation } = modelExport.metadata;
  return {
    deviceClass,
    conditions: setConditions(before?.conditions, [built], { now, generation }),
    dataType: dataTypeOf(modelExport.spec, deviceClass),
    ...(wantedKey && { wantedKey }),
    ...(attempts > 0 && { attempts }),
    ...stored,
  };
};

const reasonOf = (
  { spec }: ModelExport,
  { state, stored }: EngineStage,
): Pick<WantedCondition, 'reason' | 'message'> => {
  switch (state.kind) {
    case 'Built':
      return { reason: 'Built', message: 'stored and verified' };
    case 'Waiting':
    case 'Failed':
      return { reason: state.reason, message: state.message.slice(0, 1000) };
    default:
      if (spec.suspend) return { reason: 'Suspended', message: 'spec.suspend is true' };
      if (state.kind === 'Building' && state.blocked) return state.blocked;
      return {
        reason: 'Building',
        message: stored ? 'being built again; the old engine stays until then' : 'being built',
      };
  }
};

const progressOf = (summary: Summary, { exported }: Stages, built: number): string => {
  if (summary.kind === 'Ready') return 'done';
  if (summary.kind === 'Suspended') return 'suspended';
  if (summary.kind === 'Stalled') return `stopped: ${summary.reason}`;
  if (exported.kind === 'Waiting') return 'waiting for the tensorfile';
  return exported.kind === 'Exported' ? `building engines, ${built} done` : 'exporting';
};

/** kstatus reads Reconciling and Stalled before Ready, so never are both of them True. */
const conditionsOf = (observed: Observed, stages: Stages, summary: Summary): readonly WantedCondition[] => {
  const { kind, reason, message } = summary;
  const is = (wanted: Summary['kind']) => (kind === wanted ? 'True' : 'False');
  return [
    { type: 'Reconciling', status: is('Reconciling'), reason, message },
    { type: 'Stalled', status: is('Stalled'), reason, message },
    { type: 'Ready', status: is('Ready'), reason, message },
    exportedCondition(stages.exported, summary),
    ...calibratedCondition(observed, stages.exported, summary),
    enginesCondition(stages, summary),
  ];
};

const exportedCondition = (exported: ExportStage, { reason, message }: Summary): WantedCondition =>
  exported.kind === 'Exported'
    ? {
        type: 'Exported',
        status: 'True',
        reason: 'Exported',
        message: `the .etlt is ${exported.artifacts.etlt.uri}`,
      }
    : { type: 'Exported', status: 'False', reason, message };

/** Absent where no engine is int8. */
const calibratedCondition = (
  { modelExport }: Observed,
  exported: ExportStage,
  summary: Summary,
): readonly WantedCondition[] => {
  if (!needsCalibration(modelExport.spec)) return [];
  if (exported.kind !== 'Exported') return [{ ...exportedCondition(exported, summary), type: 'Calibrated' }];
  const { uri = 'missing', int8 } = exported.artifacts.calibrationCache ?? {};
  const share = int8 && `; ${int8.warning ?? `${int8.layers} layers compute in int8`}`;
  const message = `the calibration cache is ${uri}${share ?? ''}`;
  return [{ type: 'Calibrated', status: 'True', reason: 'Calibrated', message }];
};

const enginesCondition = ({ engines }: Stages, { kind, reason, message }: Summary): WantedCondition =>
  engines.every(({ state }) => state.kind === 'Built') && kind === 'Ready'
    ? {
        type: 'EnginesReady',
        status: 'True',
        reason: 'AllBuilt',
        message: `all ${engines.length} engines are built`,
      }
    : { type: 'EnginesReady', status: 'False', reason, message };
