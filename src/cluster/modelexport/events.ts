/** Events of a ModelExport: problems, and their end. Their reasons are the reasons of status. */

import type { Event } from '../../ground/observability/event.ts';
import { findCondition } from '../api/conditions.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { draftSummaryEvents, type EventDraft, makeEvents } from '../ownedjobs/events.ts';

/** The events about the difference between the current status and the next one: one for each change. */
export const makeChangeEvents = (modelExport: ModelExport, next: ModelExportStatus): readonly Event[] => {
  const previous = modelExport.status ?? {};
  const ofEngines = draftEngineEvents(previous, next);
  const ofObject = draftSummaryEvents(previous.conditions, next.conditions, progress);
  const steps = [...ofEngines, ...ofObject.filter((step) => !isReportedByEngines(step, next, ofEngines))];
  return makeEvents(modelExport, steps);
};

/** A problem of an engine has an event of its own, now or earlier, which names the class. */
const isReportedByEngines = (
  { type, reason }: EventDraft,
  { engines = [] }: ModelExportStatus,
  ofEngines: readonly EventDraft[],
): boolean => {
  if (type === 'Normal' || ordinary.includes(reason)) return false;
  if (reason === 'EnginesFailed') return ofEngines.length > 0;
  return engines.some((engine) => findBuilt(engine)?.reason === reason);
};

/** Reasons of Reconciling that are normal progress. */
const progress: readonly string[] = [
  'Calibrating',
  'Exporting',
  'WaitingForTensorfile',
  'BuildingEngines',
  'Queued',
];

const draftEngineEvents = (previous: ModelExportStatus, next: ModelExportStatus): readonly EventDraft[] =>
  (next.engines ?? []).flatMap((engine) => {
    const before = previous.engines?.find(({ deviceClass }) => deviceClass === engine.deviceClass);
    const isSame =
      findBuilt(before)?.reason === findBuilt(engine)?.reason && before?.sha256 === engine.sha256;
    if (isSame) return [];
    return draftEngineEvent(engine);
  });

/** Reasons of an engine that are normal progress; all others are events. */
const ordinary: readonly string[] = [
  'WaitingForExport',
  'Suspended',
  'Stopped',
  'Queued',
  'Built',
  'Building',
];

type EngineStatus = NonNullable<ModelExportStatus['engines']>[number];

const findBuilt = (engine: EngineStatus | undefined) => findCondition(engine?.conditions, 'Built');

const draftEngineEvent = (engine: EngineStatus): readonly EventDraft[] => {
  const { reason, message } = findBuilt(engine) ?? {};
  if (reason === undefined || ordinary.includes(reason)) return [];
  return [{ type: 'Warning', reason, note: `engine for ${engine.deviceClass}: ${message}` }];
};
