/** Stages → status, whole: conditions by kstatus's rules, artifacts, one entry per device class. Pure. */
import { type Condition, setConditions, type WantedCondition } from '../api/conditions.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { dataTypeOf, needsCalibration } from '../jobs/keys.ts';
import { doingOf } from '../ownedjobs/doing.ts';
import { handledRequest } from '../ownedjobs/request.ts';
import type { EngineStage } from './engine-stage.ts';
import { type ExportStage, type ExportStatus, storedPart } from './export-stage.ts';
import type { Observed } from './observed.ts';
import type { Stages } from './stages.ts';
import { type Summary, summaryOf } from './summary.ts';

type EngineStatus = NonNullable<ModelExportStatus['engines']>[number];

export const nextStatus = (observed: Observed, stages: Stages): ModelExportStatus => {
  const { modelExport, now } = observed;
  const { generation } = modelExport.metadata;
  const summary = summaryOf(observed, stages);
  const built = stages.engines.filter(({ state }) => state.kind === 'Built').length;
  const exported = exportedPart(modelExport, stages.exported);
  const lastHandledRequest = handledRequest(modelExport);
  return {
    observedGeneration: generation,
    conditions: setConditions(modelExport.status?.conditions, conditionsOf(observed, stages, summary), {
      now,
      generation,
    }) as Condition[],
    ...(Object.keys(exported).length > 0 && { export: exported }),
    engines: stages.engines.map((stage) => engineStatus(observed, stage)),
    progress: progressOf(summary, stages, built),
    enginesReady: `${built}/${stages.engines.length}`,
    engineCount: stages.engines.length,
    enginesBuilt: built,
    ...(lastHandledRequest !== undefined && { lastHandledRequest }),
  };
};

/** While a changed spec is exported, status keeps naming what the old one left. */
const exportedPart = ({ status }: ModelExport, { state, ledger }: ExportStage): ExportStatus => ({
  ...(state.kind === 'Exported' ? state.stored : storedPart(status?.export ?? {})),
  ...ledger,
});

const engineStatus = ({ modelExport, now }: Observed, stage: EngineStage): EngineStatus => {
  const { deviceClass, stored, state, ledger } = stage;
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
    ...ledger,
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
    case 'Stopped':
      return {
        reason: 'Stopped',
        message: 'not built, because another class failed (failurePolicy FailFast)',
      };
    default: {
      if (spec.suspend) return { reason: 'Suspended', message: 'spec.suspend is true' };
      const building = stored ? 'being built again; the old engine stays until then' : 'being built';
      return (state.kind === 'Building' && doingOf(state.job)) || { reason: 'Building', message: building };
    }
  }
};

const progressOf = (summary: Summary, { exported: { state } }: Stages, built: number): string => {
  if (summary.kind === 'Ready') return 'done';
  if (summary.kind === 'Suspended') return 'suspended';
  if (summary.kind === 'Stalled') return `stopped: ${summary.reason}`;
  if (state.kind === 'Exported') return `building engines, ${built} done`;
  return state.kind === 'Waiting' ? 'waiting to export' : 'exporting';
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

const exportedCondition = ({ state }: ExportStage, { reason, message }: Summary): WantedCondition =>
  state.kind === 'Exported'
    ? {
        type: 'Exported',
        status: 'True',
        reason: 'Exported',
        message: `the .etlt is ${state.artifacts.etlt.uri}`,
      }
    : { type: 'Exported', status: 'False', reason, message };

/** Absent where no engine is int8. */
const calibratedCondition = (
  { modelExport }: Observed,
  exported: ExportStage,
  summary: Summary,
): readonly WantedCondition[] => {
  if (!needsCalibration(modelExport.spec)) return [];
  const { state } = exported;
  if (state.kind !== 'Exported') return [{ ...exportedCondition(exported, summary), type: 'Calibrated' }];
  const { uri = 'missing', int8 } = state.artifacts.calibrationCache ?? {};
  const share = int8 && `; ${int8.warning ?? `${int8.layers} layers compute in int8`}`;
  const message = `the calibration cache is ${uri}${share ?? ''}`;
  return [{ type: 'Calibrated', status: 'True', reason: 'Calibrated', message }];
};

const enginesCondition = ({ engines }: Stages, { kind, reason, message }: Summary): WantedCondition =>
  kind === 'Ready'
    ? {
        type: 'EnginesReady',
        status: 'True',
        reason: 'AllBuilt',
        message: `all ${engines.length} engines are built`,
      }
    : { type: 'EnginesReady', status: 'False', reason, message };
