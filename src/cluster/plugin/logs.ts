/** `logs`: which pod and containers, and their lines. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { printable } from '../../ground/base/printable.ts';
import { labels } from '../api/labels.ts';
import { parseTime } from '../api/times.ts';
import type { ContainerStatus, PodObject } from '../ownedjobs/kube-shapes.ts';
import type { ReadTarget } from './lists.ts';
import { type JobView, jobNameLabel } from './objects.ts';

/** A pod, and its containers that have started, in the order in which they run. */
export type LogSource = { readonly pod: string; readonly containers: readonly string[] };

/** What is known of the pods. */
export type LogFacts = { readonly jobs: readonly JobView[]; readonly pods: readonly PodObject[] };

/**
 * The newest pod of the engine of a class; without a class, of the export.
 * @throws UserError InputNotFound, if there is no pod
 */
export const chooseLogs = (
  { jobs, pods }: LogFacts,
  { namespace, name }: ReadTarget,
  deviceClass: string | undefined,
): LogSource => {
  const names = new Set(
    jobs
      .filter(({ metadata: { labels: found = {} } }) =>
        deviceClass === undefined
          ? found[labels.stage] === 'export'
          : found[labels.deviceClass] === deviceClass,
      )
      .map(({ metadata }) => metadata.name),
  );
  const [newest] = pods
    .filter(({ metadata }) => names.has(metadata.labels?.[jobNameLabel] ?? ''))
    .toSorted((a, b) => createdMs(b) - createdMs(a));
  if (newest !== undefined) return { pod: newest.metadata.name, containers: startedContainers(newest) };
  const stage = deviceClass === undefined ? 'export' : `engine ${deviceClass}`;
  throw new UserError(
    'InputNotFound',
    `Reading the logs of ${namespace}/${name}: the ${stage} has no pod. It has not started, or its Job was deleted a day after it ended; status keeps the message of a failure.`,
  );
};

const createdMs = ({ metadata }: PodObject): number => parseTime(metadata.creationTimestamp) ?? 0;

const startedContainers = ({ status }: PodObject): readonly string[] =>
  [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    .filter(hasStarted)
    .map(({ name }) => name);

const hasStarted = ({ state }: ContainerStatus): boolean =>
  state?.running !== undefined || state?.terminated !== undefined;

/** A line of a container. Control characters are escaped: the models and images of a pod can choose what it logs. */
export const formatLogLine = (container: string, line: string): string =>
  `${container} | ${printable(line)}\n`;
