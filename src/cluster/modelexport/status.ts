/** Stages → status, whole: conditions by kstatus's rules, artifacts, one entry per device class. Pure. */
import { type Condition, setConditions, type WantedCondition } from '../api/conditions.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { dataTypeOf, needsCalibration } from '../jobs/keys.ts';
import type { EngineStage } from './engine-stage.ts';
import type { ExportStage } from './export-stage.ts';
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
      ...(['Ready', 'Exported', 'Calibrated', 'EnginesReady'] as const).map(
        (type) => ({ type, status: 'Unknown', reason: 'Accepted', message: 'not looked at yet' }) as const,
      ),
    ],
    { now, generation: modelExport.metadata.generation },
  ),
  progress: 'accepted',
  enginesReady: `0/${modelExport.spec.deviceClasses.length}`,
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
    ...exportedPart(modelExport, stages.exported),
    engines: stages.engines.map((stage) => engineStatus(modelExport, stage)),
    progress: progressOf(summary, stages, built),
    enginesReady: `${built}/${stages.engines.length}`,
  };
};

/** While a changed spec is exported anew, status keeps naming what the old one left. */
const exportedPart = ({ status }: ModelExport, exported: ExportStage): Partial<ModelExportStatus> => {
  if (exported.kind === 'Exported') return exported.status;
  const { exportKey, retry, etlt, calibrationCache, calibrationTensorfile, verification, report } =
    status ?? {};
  return {
    ...(exportKey && { exportKey }),
    ...(retry && { retry }),
    ...(etlt && { etlt }),
    ...(calibrationCache && { calibrationCache }),
    ...(calibrationTensorfile && { calibrationTensorfile }),
    ...(verification && { verification }),
    ...(report && { report }),
  };
};

const engineStatus = (modelExport: ModelExport, stage: EngineStage): EngineStatus => ({
  deviceClass: stage.deviceClass,
  dataType: dataTypeOf(modelExport.spec, stage.deviceClass),
  ...reasonOf(modelExport, stage),
  ...(stage.attempts > 0 && { attempts: stage.attempts }),
  ...stage.stored,
});

const reasonOf = (
  { spec }: ModelExport,
  { state, stored }: EngineStage,
): Pick<EngineStatus, 'reason' | 'message'> => {
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
        message: stored ? 'being built anew; the old engine stays until then' : 'being built',
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
    calibratedCondition(observed, stages.exported, summary),
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

const calibratedCondition = (
  observed: Observed,
  exported: ExportStage,
  summary: Summary,
): WantedCondition => {
  if (!needsCalibration(observed.modelExport.spec))
    return { type: 'Calibrated', status: 'False', reason: 'NotRequired', message: 'no engine is int8' };
  if (exported.kind !== 'Exported') return { ...exportedCondition(exported, summary), type: 'Calibrated' };
  const { uri } = exported.artifacts.calibrationCache ?? { uri: 'missing' };
  return {
    type: 'Calibrated',
    status: 'True',
    reason: 'Calibrated',
    message: `the calibration cache is ${uri}`,
  };
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
