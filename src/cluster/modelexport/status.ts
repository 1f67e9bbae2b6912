/**
 * Makes the whole status from the stages: conditions by the rules of kstatus, artifacts, and one entry per device
 * class. Pure.
 */

import { formatMilliseconds } from '../../ground/base/amounts.ts';
import { type Condition, setConditions, type WantedCondition } from '../api/conditions.ts';
import { failureMessageLimit } from '../api/ledger.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { countParts } from '../jobs/export-job.ts';
import { dataTypeOf, needsCalibration } from '../jobs/keys.ts';
import { explainJobWait } from '../ownedjobs/job-wait.ts';
import { latestHandledRequest } from '../ownedjobs/request.ts';
import { describeRunning, formatPercent, formatRunning } from '../ownedjobs/running.ts';
import { makeSummaryConditions, type Summary } from '../ownedjobs/summary.ts';
import type { CalibrationStatus } from './calibration-stage.ts';
import type { EngineStage } from './engine-stage.ts';
import { type ExportStage, type ExportStatus, pickArtifacts } from './export-stage.ts';
import type { ObservedExport } from './observed.ts';
import type { Stages } from './stages.ts';
import { countBuilt, summarise } from './summary.ts';

type EngineStatus = NonNullable<ModelExportStatus['engines']>[number];

/** The status to write. */
export const makeStatus = (observed: ObservedExport, stages: Stages): ModelExportStatus => {
  const { modelExport, now } = observed;
  const { generation } = modelExport.metadata;
  const summary = summarise(observed, stages);
  const built = countBuilt(stages.engines);
  const exported = makeExportStatus(modelExport, stages.exported);
  const calibration = makeCalibrationStatus(modelExport, stages.exported);
  const engines = stages.engines.map((stage) => makeEngineStatus(observed, stage));
  const lastHandledRequest = latestHandledRequest(modelExport);
  return {
    observedGeneration: generation,
    conditions: setConditions(modelExport.status?.conditions, makeConditions(observed, stages, summary), {
      now,
      generation,
    }) as Condition[],
    ...(calibration && { calibration }),
    ...(Object.keys(exported).length > 0 && { export: exported }),
    engines,
    progress: describeProgress(summary, stages, { calibration, export: exported, engines }),
    enginesReady: `${built}/${stages.engines.length}`,
    engineCount: stages.engines.length,
    enginesBuilt: built,
    ...(lastHandledRequest !== undefined && { lastHandledRequest }),
  };
};

/** `status.export`. The previous artifacts stay until those of a changed spec are stored. */
const makeExportStatus = ({ status }: ModelExport, { state, ledger }: ExportStage): ExportStatus => ({
  ...(state.kind === 'Exported' ? state.stored : pickArtifacts(status?.export ?? {})),
  ...ledger,
  ...describeRunning(
    state.kind === 'Exporting' && state.job.stage === 'export' ? state.job : undefined,
    status?.export,
  ),
});

/** What was counted stays in status as long as the spec asks for it. */
const makeCalibrationStatus = (
  { spec, status }: ModelExport,
  { calibration }: ExportStage,
): CalibrationStatus | undefined => {
  if (calibration !== undefined || countParts(spec) === undefined) return calibration;
  const { running, ...before } = status?.calibration ?? {};
  return Object.keys(before).length > 0 ? before : undefined;
};

const makeEngineStatus = ({ modelExport, now }: ObservedExport, stage: EngineStage): EngineStatus => {
  const { deviceClass, stored, state, ledger } = stage;
  const before = modelExport.status?.engines?.find((engine) => engine.deviceClass === deviceClass);
  const built = {
    type: 'Built',
    status: state.kind === 'Built' ? 'True' : 'False',
    ...explainEngine(modelExport, stage),
  } as const;
  const { generation } = modelExport.metadata;
  return {
    deviceClass,
    conditions: setConditions(before?.conditions, [built], { now, generation }),
    dataType: dataTypeOf(modelExport.spec, deviceClass),
    ...ledger,
    ...describeRunning(state.kind === 'Building' ? state.job : undefined, before),
    ...stored,
  };
};

const explainEngine = (
  { spec }: ModelExport,
  { state, stored }: EngineStage,
): Pick<WantedCondition, 'reason' | 'message'> => {
  switch (state.kind) {
    case 'Built':
      return { reason: 'Built', message: `stored and verified${describeSlowness(stored?.latency)}` };
    case 'Waiting':
    case 'Failed':
      return { reason: state.reason, message: state.message.slice(0, failureMessageLimit) };
    case 'Stopped':
      return {
        reason: 'Stopped',
        message: 'not built, because another class failed (failurePolicy FailFast)',
      };
    default: {
      if (spec.suspend) return { reason: 'Suspended', message: 'spec.suspend is true' };
      const building = stored
        ? 'being built; the previous engine stays until the new one is stored'
        : 'being built';
      return (
        (state.kind === 'Building' && explainJobWait(state.job)) || { reason: 'Building', message: building }
      );
    }
  }
};

/** The operator reads the latencies from the result of the build, whose log also names the layers that cost. */
const describeSlowness = (latency: EngineStatus['latency']): string => {
  const { p50Microseconds: int8 = 0, floatP50Microseconds: float = int8 } = latency ?? {};
  if (int8 <= float) return '';
  const times = `${formatMilliseconds(int8)} against ${formatMilliseconds(float)}`;
  return `; on this processor, int8 is slower than float: ${times}. For speed, build this class in fp32, or with engine.prefer: Fastest`;
};

type Reported = {
  readonly calibration: CalibrationStatus | undefined;
  readonly export: ExportStatus;
  readonly engines: readonly EngineStatus[];
};

const describeProgress = (
  summary: Summary,
  { exported: { state, countingPods }, engines }: Stages,
  reported: Reported,
): string => {
  if (summary.kind === 'Ready') return 'done';
  if (summary.kind === 'Suspended') return 'suspended';
  if (summary.kind === 'Stalled') return `stopped: ${summary.reason}`;
  if (state.kind === 'Exported')
    return `building engines, ${countBuilt(engines)} done${listPercents(reported.engines)}`;
  if (state.kind === 'Waiting') return 'waiting to export';
  if (countingPods !== undefined)
    return `${reported.calibration?.running ? formatRunning(reported.calibration.running) : 'calibrating'} in ${countingPods} pods`;
  const { running } = reported.export;
  return running ? `exporting: ${formatRunning(running)}` : 'exporting';
};

/** Names of device classes have up to 63 characters. */
const namedEngines = 3;

/** For example ": ampere 40%, orin 85%". */
const listPercents = (engines: readonly EngineStatus[]): string => {
  const texts = engines.flatMap(({ deviceClass, running }) =>
    running?.percent === undefined ? [] : [deviceClass + formatPercent(running.percent)],
  );
  const more = texts.length > namedEngines ? ', …' : '';
  return texts.length === 0 ? '' : `: ${texts.slice(0, namedEngines).join(', ')}${more}`;
};

const makeConditions = (
  observed: ObservedExport,
  stages: Stages,
  summary: Summary,
): readonly WantedCondition[] => [
  ...makeSummaryConditions(summary),
  makeExportedCondition(stages.exported, summary),
  ...makeCalibratedCondition(observed, stages.exported, summary),
  makeEnginesCondition(stages, summary),
];

const makeExportedCondition = ({ state }: ExportStage, { reason, message }: Summary): WantedCondition =>
  state.kind === 'Exported'
    ? {
        type: 'Exported',
        status: 'True',
        reason: 'Exported',
        message: `the .etlt is ${state.artifacts.etlt.uri}`,
      }
    : { type: 'Exported', status: 'False', reason, message };

/** Empty if no engine is int8. */
const makeCalibratedCondition = (
  { modelExport }: ObservedExport,
  exported: ExportStage,
  summary: Summary,
): readonly WantedCondition[] => {
  if (!needsCalibration(modelExport.spec)) return [];
  const { state } = exported;
  if (state.kind !== 'Exported') return [{ ...makeExportedCondition(exported, summary), type: 'Calibrated' }];
  const { uri = 'missing', int8 } = state.artifacts.calibrationCache ?? {};
  const share = int8 && `; ${int8.warning ?? `${int8.layers} layers compute in int8`}`;
  const message = `the calibration cache is ${uri}${share ?? ''}`;
  return [{ type: 'Calibrated', status: 'True', reason: 'Calibrated', message }];
};

const makeEnginesCondition = ({ engines }: Stages, { kind, reason, message }: Summary): WantedCondition =>
  kind === 'Ready'
    ? {
        type: 'EnginesReady',
        status: 'True',
        reason: 'AllBuilt',
        message: `all ${engines.length} engines are built`,
      }
    : { type: 'EnginesReady', status: 'False', reason, message };
