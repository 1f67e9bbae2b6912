/** What `kubectl describe` tells: one event for each step that a status write records. Reasons equal status reasons. */

import type { Event } from '../../ground/observability/event.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { eventsAbout, type Step, summarySteps } from '../ownedjobs/events.ts';

export const eventsBetween = (modelExport: ModelExport, next: ModelExportStatus): readonly Event[] => {
  const previous = modelExport.status ?? {};
  const steps = [
    ...exportSteps(previous, next),
    ...engineSteps(previous, next),
    ...summarySteps(previous.conditions, next.conditions, { quiet: quietProgress, normal: normalProgress }),
  ];
  return eventsAbout(modelExport, steps);
};

/** Told by the events of the engines. */
const quietProgress: readonly string[] = ['Accepted', 'BuildingEngines'];
const normalProgress: readonly string[] = ['Exporting', 'WaitingForTensorfile'];

const exportSteps = (previous: ModelExportStatus, next: ModelExportStatus): readonly Step[] =>
  next.export?.etlt && next.export.etlt.sha256 !== previous.export?.etlt?.sha256
    ? [{ type: 'Normal', reason: 'Exported', note: `exported to ${next.export.etlt.uri}` }]
    : [];

const engineSteps = (previous: ModelExportStatus, next: ModelExportStatus): readonly Step[] =>
  (next.engines ?? []).flatMap((engine) => {
    const before = previous.engines?.find(({ deviceClass }) => deviceClass === engine.deviceClass);
    const isSame = builtOf(before)?.reason === builtOf(engine)?.reason && before?.sha256 === engine.sha256;
    if (isSame) return [];
    return stepOf(engine);
  });

/** Reasons that tell of the ordinary course of things; every other one is news that may need a person. */
const quiet: readonly string[] = ['WaitingForExport', 'Suspended'];
const ordinary: readonly string[] = ['Built', 'Building'];

type EngineStatus = NonNullable<ModelExportStatus['engines']>[number];

const builtOf = (engine: EngineStatus | undefined) =>
  engine?.conditions?.find(({ type }) => type === 'Built');

const stepOf = (engine: EngineStatus): readonly Step[] => {
  const { deviceClass, uri } = engine;
  const { reason, message } = builtOf(engine) ?? {};
  if (reason === undefined || quiet.includes(reason)) return [];
  if (reason === 'Built')
    return [{ type: 'Normal', reason, note: `engine for ${deviceClass} stored at ${uri}` }];
  const type = ordinary.includes(reason) ? 'Normal' : 'Warning';
  return [{ type, reason, note: `engine for ${deviceClass}: ${message}` }];
};
