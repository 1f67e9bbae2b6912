/** Events of a ModelExport: problems, and their end. Their reasons are the reasons of status. */

import type { Event } from '../../ground/observability/event.ts';
import { findCondition } from '../api/conditions.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { draftSummaryEvents, type EventDraft, makeEvents } from '../ownedjobs/events.ts';

/** The events about the difference between the current status and the next one. */
export const makeChangeEvents = (modelExport: ModelExport, next: ModelExportStatus): readonly Event[] => {
  const previous = modelExport.status ?? {};
  const steps = [
    ...draftEngineEvents(previous, next),
    ...draftSummaryEvents(previous.conditions, next.conditions, progress),
  ];
  return makeEvents(modelExport, steps);
};

/** Reasons of Reconciling that are normal progress. */
const progress: readonly string[] = ['Exporting', 'WaitingForTensorfile', 'BuildingEngines', 'Queued'];

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
