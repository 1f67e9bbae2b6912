/** Reads the training that a command line names: its experiment spec, and the location of its data. */
import { resolve } from 'node:path';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import { relocatePlan } from '../../data/datasets/relocate.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ToolContext } from '../cli/tool-context.ts';

/** Flags about a training. */
export type TrainingOptions = {
  /** Path of the experiment spec. */
  readonly file: string;
  readonly architecture: Architecture;
  readonly values: { readonly data_root?: string; readonly path_in_spec?: string };
  readonly context: Pick<ToolContext, 'env' | 'log'>;
};

/** A training whose spec was read. */
export type NamedTraining = {
  readonly file: string;
  readonly spec: ExperimentSpec;
  /** Folder that relative paths of the plan start from; undefined means the current folder. */
  readonly dataRoot: string | undefined;
  /** Plans the data loader, with the spec's paths mapped to this machine. @throws UserError SpecInvalid */
  readonly plan: () => LoaderPlan;
};

/** TLT's environment variable for the root of relative paths. */
const rootVariable = 'DATA_BASE_PATH';

/** Reads the spec. @throws UserError Usage, InputNotFound, SpecInvalid */
export const readNamedTraining = async ({
  file,
  architecture,
  values: { data_root: given, path_in_spec: from },
  context: { env, log },
}: TrainingOptions): Promise<NamedTraining> => {
  if (from !== undefined && given === undefined)
    throw new UserError(
      'Usage',
      `Reading the command line: --path_in_spec ${from} requires --data_root. Use --data_root to name the folder that replaces it on this machine.`,
    );
  const root = given ?? (env[rootVariable] || undefined);
  const to = root === undefined ? undefined : resolve(root);
  const { readExperimentSpec } = await import('../../data/specs/experiment-spec.ts');
  const spec = await readExperimentSpec(file, architecture);
  if (spec.unneeded.length > 0)
    log('DEBUG', `Fields of ${file} that are not needed here: ${spec.unneeded.join(', ')}`);
  const plan = (): LoaderPlan =>
    to === undefined || from === undefined ? spec.loader() : relocatePlan(spec.loader(), { from, to });
  return { file, spec, dataRoot: to, plan };
};
