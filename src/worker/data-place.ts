/** Where a command-line tool finds what a spec names: the flags `--data_root` and `--path_in_spec`. */
import { resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { LoaderPlan } from '../datasets/plan.ts';
import { relocated } from '../datasets/relocate.ts';

export type DataPlace = {
  /** What relative paths of the spec lie below; the current folder if undefined. */
  readonly root: string | undefined;
  /** The absolute folder of the spec that `root` stands for. */
  readonly pathInSpec: string | undefined;
};

export type DataFlags = {
  readonly data_root?: string;
  readonly path_in_spec?: string;
};

/** TLT's variable for the root of relative paths. */
const rootVariable = 'DATA_BASE_PATH';

/** @throws UserError Usage */
export const placeOfData = (
  { data_root: given, path_in_spec: pathInSpec }: DataFlags,
  env: Readonly<Record<string, string | undefined>>,
): DataPlace => {
  if (pathInSpec !== undefined && given === undefined)
    throw new UserError(
      'Usage',
      `Reading the command line: --path_in_spec ${pathInSpec} is given without --data_root. Name the folder that it is here by --data_root.`,
    );
  const root = given ?? (env[rootVariable] || undefined);
  return { root: root === undefined ? undefined : resolve(root), pathInSpec };
};

/** The plan with the paths that the place says. */
export const placed = (plan: LoaderPlan, { root, pathInSpec }: DataPlace): LoaderPlan =>
  root === undefined || pathInSpec === undefined ? plan : relocated(plan, { from: pathInSpec, to: root });
