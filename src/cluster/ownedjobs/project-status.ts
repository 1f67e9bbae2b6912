/**
 * The fields that the caches keep of the status of a Job or pod. Other fields would cost memory, and reconciles for
 * changes that do not matter.
 */
import type { ContainerStatus, ObjectCondition } from './kube-shapes.ts';

const readConditions: readonly string[] = ['Complete', 'Failed', 'PodScheduled', 'DisruptionTarget'];

/** The conditions that the operator reads. */
export const projectConditions = (conditions: readonly ObjectCondition[]): readonly ObjectCondition[] =>
  conditions
    .filter(({ type }) => readConditions.includes(type))
    .map((condition) => pick(condition, ['type', 'status', 'reason', 'message', 'lastTransitionTime']));

/** The container states that the operator reads. */
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
