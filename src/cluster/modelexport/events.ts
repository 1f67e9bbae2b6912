/** Events of a ModelExport: what may need a person, and that it is over. Reasons equal status reasons. */

import type { Event } from '../../ground/observability/event.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { eventsAbout, type Step, summarySteps } from '../ownedjobs/events.ts';

export const eventsBetween = (modelExport: ModelExport, next: ModelExportStatus): readonly Event[] => {
  const previous = modelExport.status ?? {};
  const steps = [
    ...engineSteps(previous, next),
    ...summarySteps(previous.conditions, next.conditions, progress),
  ];
  return eventsAbout(modelExport, steps);
};

/** Of Reconciling: the ordinary course of things. */
const progress: readonly string[] = ['Exporting', 'WaitingForTensorfile', 'BuildingEngines', 'Queued'];

const engineSteps = (previous: ModelExportStatus, next: ModelExportStatus): readonly Step[] =>
  (next.engines ?? []).flatMap((engine) => {
    const before = previous.engines?.find(({ deviceClass }) => deviceClass === engine.deviceClass);
    const isSame = builtOf(before)?.reason === builtOf(engine)?.reason && before?.sha256 === engine.sha256;
    if (isSame) return [];
    return stepOf(engine);
  });

/** Of an engine: the ordinary course of things; every other reason is news that may need a person. */
const ordinary: readonly string[] = [
  'WaitingForExport',
  'Suspended',
  'Stopped',
  'Queued',
  'Built',
  'Building',
];

type EngineStatus = NonNullable<ModelExportStatus['engines']>[number];

const builtOf = (engine: EngineStatus | undefined) =>
  engine?.conditions?.find(({ type }) => type === 'Built');

const stepOf = (engine: EngineStatus): readonly Step[] => {
  const { reason, message } = builtOf(engine) ?? {};
  if (reason === undefined || ordinary.includes(reason)) return [];
  return [{ type: 'Warning', reason, note: `engine for ${engine.deviceClass}: ${message}` }];
};
