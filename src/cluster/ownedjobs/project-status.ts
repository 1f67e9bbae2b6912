/** What the caches keep of the status of a Job or pod: the rest is bytes, and changes that mean nothing here. */
import type { Condition, ContainerStatus } from './kube-shapes.ts';

const readConditions: readonly string[] = ['Complete', 'Failed', 'PodScheduled', 'DisruptionTarget'];

export const projectConditions = (conditions: readonly Condition[]): readonly Condition[] =>
  conditions
    .filter(({ type }) => readConditions.includes(type))
    .map((condition) => pick(condition, ['type', 'status', 'reason', 'message', 'lastTransitionTime']));

export const projectContainers = (statuses: readonly ContainerStatus[]): readonly ContainerStatus[] =>
  statuses.map(({ name, state }) => ({ name, ...(state && { state: projectState(state) }) }));

type State = NonNullable<ContainerStatus['state']>;

const projectState = ({ waiting, running, terminated }: State): State => ({
  ...(waiting && { waiting: pick(waiting, ['reason', 'message']) }),
  ...(running && { running: pick(running, ['startedAt']) }),
  ...(terminated && {
    terminated: pick(terminated, ['exitCode', 'reason', 'message', 'startedAt', 'finishedAt']),
  }),
});

const pick = <From extends object, Name extends keyof From>(
  from: From,
  names: readonly Name[],
): Pick<From, Name> =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))) as Pick<
    From,
    Name
  >;
