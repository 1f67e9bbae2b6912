/** The training that a command line names: `-e`, and where its data lie by `--data_root` and `--path_in_spec`. */
import { resolve } from 'node:path';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import { relocatePlan } from '../../data/datasets/relocate.ts';
import { readExperimentSpec } from '../../data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ToolWorld } from './tool-world.ts';

export type TrainingNames = {
  /** The spec's file. */
  readonly file: string;
  readonly architecture: Architecture;
  readonly values: { readonly data_root?: string; readonly path_in_spec?: string };
  readonly world: Pick<ToolWorld, 'env' | 'log'>;
};

export type NamedTraining = {
  readonly file: string;
  readonly spec: ExperimentSpec;
  /** What relative paths of the plan lie below; the current folder if undefined. */
  readonly dataRoot: string | undefined;
  /** With the paths as they are here. @throws UserError SpecInvalid */
  readonly plan: () => LoaderPlan;
};

/** TLT's variable for the root of relative paths. */
const rootVariable = 'DATA_BASE_PATH';

/** @throws UserError Usage, InputNotFound, SpecInvalid */
export const readNamedTraining = async ({
  file,
  architecture,
  values: { data_root: given, path_in_spec: from },
  world: { env, log },
}: TrainingNames): Promise<NamedTraining> => {
  if (from !== undefined && given === undefined)
    throw new UserError(
      'Usage',
      `Reading the command line: --path_in_spec ${from} is given without --data_root. Name the folder that it is here by --data_root.`,
    );
  const root = given ?? (env[rootVariable] || undefined);
  const to = root === undefined ? undefined : resolve(root);
  const spec = await readExperimentSpec(file, architecture);
  if (spec.unneeded.length > 0)
    log('DEBUG', `Fields of ${file} that are not needed here: ${spec.unneeded.join(', ')}`);
  const plan = (): LoaderPlan =>
    to === undefined || from === undefined ? spec.loader() : relocatePlan(spec.loader(), { from, to });
  return { file, spec, dataRoot: to, plan };
};
