/** The report of `status` as a value: summary, stages, their Jobs and pods, warnings, and what to do next. Pure. */

import type { Stage } from '../../ground/contract/result.ts';
import { findCondition, findTrue } from '../api/conditions.ts';
import { labels } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { Running } from '../api/running.ts';
import { parseTime } from '../api/times.ts';
import { latestHandledRequest } from '../ownedjobs/request.ts';
import { reportJobs } from './jobs-report.ts';
import { advise } from './next.ts';
import type { EventObject, Facts } from './objects.ts';
import type { ArtifactReport, StageReport, StatusReport, WarningReport } from './report.ts';
import { stateOf } from './stage.ts';

/** The report. A status of an older generation is `Unseen`: it describes another spec. */
export const reportStatus = (facts: Facts): StatusReport => {
  const { modelExport, jobs, pods, warnings } = facts;
  const { metadata, status } = modelExport;
  const ready = findCondition(status?.conditions, 'Ready');
  const stages = reportStages(facts);
  const state = summarise(modelExport);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    state,
    ...(ready && { reason: ready.reason, message: ready.message }),
    ...(status?.enginesReady !== undefined && { enginesReady: status.enginesReady }),
    stages,
    warnings: reportWarnings(facts, stages),
    unreadable: Object.entries({ jobs, pods, events: warnings }).flatMap(([name, list]) =>
      list === undefined ? [name] : [],
    ),
    next: advise({ metadata, state, stages }),
  };
};

/** The state of a ModelExport in one word. */
export const summarise = (modelExport: ModelExport): StatusReport['state'] => {
  const { metadata, status, spec } = modelExport;
  if (status?.observedGeneration !== metadata.generation) return 'Unseen';
  const found = (['Ready', 'Stalled', 'Reconciling'] as const).find((type) =>
    findTrue(status.conditions, type),
  );
  const isHandled = latestHandledRequest(modelExport) === status.lastHandledRequest;
  if (found === 'Stalled' && !isHandled) return 'Requested';
  return found ?? (spec.suspend ? 'Suspended' : 'Unseen');
};

/** Stages whose Jobs make the export. */
const ofExport: readonly string[] = ['calibration', 'export'] satisfies readonly Stage[];

const reportStages = (facts: Facts): readonly StageReport[] => {
  const {
    conditions = [],
    calibration,
    export: exported = {},
    engines = [],
  } = facts.modelExport.status ?? {};
  const first = findCondition(conditions, 'Exported');
  const { etlt, codecEtlt, calibrationCache, report } = exported;
  return [
    ...(first
      ? [
          {
            stage: 'export' as const,
            ...describeStage(first, { ...calibration, ...exported }),
            artifacts: nameArtifacts({ etlt, codecEtlt, calibrationCache, report }),
            jobs: reportJobs(facts, ({ [labels.stage]: stage = '' }) => ofExport.includes(stage)),
          },
        ]
      : []),
    ...engines.flatMap((engine): readonly StageReport[] => {
      const built = findCondition(engine.conditions, 'Built');
      if (built === undefined) return [];
      const { deviceClass, chosen, uri, sizeBytes } = engine;
      const dataType = chosen?.dataType ?? engine.dataType;
      return [
        {
          stage: 'engine',
          deviceClass,
          ...(dataType && { dataType }),
          ...(chosen && { because: chosen.because }),
          ...describeStage(built, engine),
          artifacts: nameArtifacts({
            engine: uri === undefined ? undefined : { uri, ...(sizeBytes !== undefined && { sizeBytes }) },
          }),
          jobs: reportJobs(facts, ({ [labels.deviceClass]: name }) => name === deviceClass),
        },
      ];
    }),
  ];
};

type Ledger = {
  readonly attempts?: readonly { readonly number: number }[];
  readonly nextAttempt?: string;
  readonly running?: Running;
};

const describeStage = (
  { status, reason, message }: { readonly status: string; readonly reason: string; readonly message: string },
  { attempts, nextAttempt, running }: Ledger,
) => ({
  state: stateOf({ done: status === 'True', reason, nextAttempt }),
  reason,
  message,
  failedAttempts: attempts?.at(-1)?.number ?? 0,
  ...(nextAttempt !== undefined && { nextAttempt }),
  ...(running && { running }),
});

const nameArtifacts = (
  files: Readonly<Record<string, { readonly uri: string; readonly sizeBytes?: number } | undefined>>,
): readonly ArtifactReport[] =>
  Object.entries(files).flatMap(([name, file]) =>
    file === undefined
      ? []
      : [{ name, uri: file.uri, ...(file.sizeBytes !== undefined && { sizeBytes: file.sizeBytes }) }],
  );

/** Maximum number of warnings. */
const shownWarnings = 5;

const reportWarnings = (
  { modelExport, warnings = [] }: Facts,
  stages: readonly StageReport[],
): readonly WarningReport[] => {
  const jobs = stages.flatMap((stage) => stage.jobs);
  const subjects = new Set([
    `ModelExport ${modelExport.metadata.name}`,
    ...jobs.flatMap(({ name, pods }) => [`Job ${name}`, ...pods.map((pod) => `Pod ${pod.name}`)]),
  ]);
  return warnings
    .map((event) => ({ event, time: timeOf(event), about: aboutOf(event) }))
    .filter(({ about }) => subjects.has(about))
    .toSorted((a, b) => (parseTime(b.time) ?? 0) - (parseTime(a.time) ?? 0))
    .slice(0, shownWarnings)
    .map(({ event: { reason = '', message = '' }, time, about }) => ({
      about,
      reason,
      message,
      ...(time !== undefined && { time }),
    }));
};

const aboutOf = ({ involvedObject: { kind = '', name = '' } }: EventObject): string => `${kind} ${name}`;

const timeOf = ({ series, lastTimestamp, eventTime }: EventObject): string | undefined =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? undefined;
