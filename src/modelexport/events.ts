/** What `kubectl describe` tells: one event for each step that a status write records. Reasons equal status reasons. */
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import type { Event } from '../observability/event.ts';

type Step = { readonly type: Event['type']; readonly reason: string; readonly note: string };

export const eventsBetween = (modelExport: ModelExport, next: ModelExportStatus): readonly Event[] => {
  const previous = modelExport.status ?? {};
  const steps = [
    ...exportSteps(previous, next),
    ...engineSteps(previous, next),
    ...summarySteps(previous, next),
  ];
  const { name, namespace, uid } = modelExport.metadata;
  const regarding = { apiVersion: modelExport.apiVersion, kind: modelExport.kind, name, namespace, uid };
  return steps.map((step) => ({ ...step, regarding, action: 'Reconcile' }));
};

const exportSteps = (previous: ModelExportStatus, next: ModelExportStatus): readonly Step[] =>
  next.etlt && next.etlt.sha256 !== previous.etlt?.sha256
    ? [{ type: 'Normal', reason: 'Exported', note: `exported to ${next.etlt.uri}` }]
    : [];

const engineSteps = (previous: ModelExportStatus, next: ModelExportStatus): readonly Step[] =>
  (next.engines ?? []).flatMap((engine) => {
    const before = previous.engines?.find(({ deviceClass }) => deviceClass === engine.deviceClass);
    if (before?.reason === engine.reason && before?.sha256 === engine.sha256) return [];
    return stepOf(engine);
  });

/** Reasons that tell of the ordinary course of things; every other one is news that may need a person. */
const quiet: readonly string[] = ['WaitingForExport', 'Suspended'];
const ordinary: readonly string[] = ['Built', 'Building'];

const stepOf = ({
  deviceClass,
  reason,
  message,
  uri,
}: NonNullable<ModelExportStatus['engines']>[number]): readonly Step[] => {
  if (reason === undefined || quiet.includes(reason)) return [];
  if (reason === 'Built')
    return [{ type: 'Normal', reason, note: `engine for ${deviceClass} stored at ${uri}` }];
  const type = ordinary.includes(reason) ? 'Normal' : 'Warning';
  return [{ type, reason, note: `engine for ${deviceClass}: ${message}` }];
};

const summarySteps = (previous: ModelExportStatus, next: ModelExportStatus): readonly Step[] => {
  const now = (type: string) => next.conditions?.find((condition) => condition.type === type);
  const became = (type: string) => {
    const before = previous.conditions?.find((condition) => condition.type === type);
    const condition = now(type);
    return condition?.status === 'True' && (before?.status !== 'True' || before.reason !== condition.reason);
  };
  const step = (eventType: Step['type'], type: string): readonly Step[] =>
    became(type) ? [{ type: eventType, reason: now(type)!.reason, note: now(type)!.message }] : [];
  return [
    ...step('Normal', 'Ready'),
    ...step('Warning', 'Stalled'),
    ...(became('Reconciling') && !ordinaryProgress.includes(now('Reconciling')!.reason)
      ? step('Warning', 'Reconciling')
      : []),
    ...(became('Reconciling') && now('Reconciling')!.reason === 'Exporting'
      ? step('Normal', 'Reconciling')
      : []),
  ];
};

const ordinaryProgress: readonly string[] = ['Accepted', 'Exporting', 'BuildingEngines'];
