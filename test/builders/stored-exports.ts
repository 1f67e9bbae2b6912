/** Stored ModelExports at moments of their life, as the operator's decisions leave them. */
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { JobState } from '../../src/cluster/ownedjobs/observed-job.ts';
import { aJobOf } from './objects.ts';

/** The object after everything that one decision writes, and the decisions that follow from it, were written. */
export const stored = (observed: ObservedExport): ModelExport => {
  let { modelExport } = observed;
  for (let round = 0; round < 5; round++) {
    const written = decide({ ...observed, modelExport }).actions.find(({ kind }) => kind === 'WriteStatus');
    if (written?.kind !== 'WriteStatus') return modelExport;
    modelExport = { ...modelExport, status: written.status };
  }
  throw new Error('status does not settle');
};

/** The export's Job and one per class, named as the operator names them, each in the state given for it. */
export const withJobs = (
  observed: ObservedExport,
  states: Readonly<Record<string, JobState>>,
): ObservedExport => {
  let current = observed;
  for (let round = 0; round < 3; round++) {
    const made = decide({ ...current, modelExport: stored(current) }).actions.flatMap((action) =>
      action.kind === 'CreateJob' ? [action.job] : [],
    );
    const jobs = made.flatMap((job) => {
      const part = Object.keys(states).find((name) => job.metadata.name.includes(`-${name}-`));
      return part === undefined ? [] : [aJobOf(job, states[part]!)];
    });
    current = { ...current, jobs: [...current.jobs, ...jobs] };
  }
  return current;
};
