/** Simulates the life of a ModelExport on values, without a cluster. */
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { decide, type ExportAction } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import { active, aJobOf, anEngineBuilt, anExported } from './objects.ts';

/** Applies the actions of a decision to the observation, like the cluster would. */
export const performActions = (
  observed: ObservedExport,
  actions: readonly ExportAction[],
): ObservedExport => {
  let observation = observed;
  for (const action of actions) observation = performAction(observation, action);
  return observation;
};

const performAction = (observation: ObservedExport, action: ExportAction): ObservedExport => {
  const jobs = observation.jobs.filter(({ name }) => !('name' in action) || name !== action.name);
  switch (action.kind) {
    case 'CreateJob':
      return {
        ...observation,
        jobs: [...jobs, aJobOf(action.job, active)],
      };
    case 'DeleteJob':
      return { ...observation, jobs };
    case 'SuspendJob': {
      const { name, suspend } = action;
      const suspended = (job: ObservedJob): ObservedJob => ({
        ...job,
        state: { ...job.state, suspended: suspend } as ObservedJob['state'],
        suspendedByUs: suspend,
      });
      return {
        ...observation,
        jobs: observation.jobs.map((job) => (job.name === name ? suspended(job) : job)),
      };
    }
    case 'WriteStatus':
      return {
        ...observation,
        modelExport: { ...observation.modelExport, status: action.status } as ModelExport,
      };
    default:
      return observation;
  }
};

/** Decides and applies until no action is left; fails after too many rounds. */
export const settle = (start: ObservedExport): ObservedExport => {
  let observed = start;
  for (let round = 0; round < 10; round++) {
    const { actions } = decide(observed);
    if (actions.length === 0) return observed;
    observed = performActions(observed, actions);
  }
  throw new Error('does not settle');
};

export const finish = (
  observed: ObservedExport,
  state: (job: ObservedJob) => ObservedJob['state'],
): ObservedExport => ({
  ...observed,
  jobs: observed.jobs.map((job) => (job.state.kind === 'Active' ? { ...job, state: state(job) } : job)),
});

export const succeed = (observed: ObservedExport): ObservedExport =>
  finish(observed, ({ name }) => ({
    kind: 'Succeeded',
    result: name.startsWith('demo-export-') ? anExported() : anEngineBuilt(),
  }));
