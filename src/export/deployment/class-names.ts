/** Finds the class names of a network in the order of its outputs. */
import { listClassNames } from '../../data/datasets/folder-sources.ts';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';

/** Where class names may be. */
export type ClassNameSources = {
  readonly spec?: Pick<ExperimentSpec, 'classes'> | undefined;
  /** The training's data, whose class folders are the classes of a classification. */
  readonly plan?: (() => LoaderPlan) | undefined;
  readonly dataRoot?: string | undefined;
  /** Path of TAO's `classmap.json`. */
  readonly classmap?: string | undefined;
};

/** Returns the names; none if no source has them. @throws UserError SpecInvalid for an invalid class map, InputNotFound */
export const findClassNames = async ({
  spec,
  plan,
  dataRoot,
  classmap,
}: ClassNameSources): Promise<readonly string[]> => {
  if (classmap !== undefined)
    return parseClassmap(classmap, new TextDecoder().decode(readRegular(classmap, 'textBytes')));
  if (spec && spec.classes.length > 0) return spec.classes;
  return plan ? listFolderNames(plan, dataRoot).catch(noneIfMissing) : [];
};

const listFolderNames = async (
  plan: () => LoaderPlan,
  dataRoot: string | undefined,
): Promise<readonly string[]> => {
  const planned = plan();
  return planned.kind === 'classFolders' ? listClassNames(planned, dataRoot) : [];
};

/** The spec may name no images, or be used on a machine that does not have them. */
const noneIfMissing = (thrown: unknown): readonly string[] => {
  if (thrown instanceof UserError && ['InputNotFound', 'SpecInvalid'].includes(thrown.reason)) return [];
  throw thrown;
};

/** Parses `{"class": index}`; the indices are those of the outputs, from 0. @throws UserError SpecInvalid */
export const parseClassmap = (path: string, text: string): readonly string[] => {
  const names: string[] = [];
  for (const [name, index] of Object.entries(parseObject(path, text))) {
    if (!Number.isSafeInteger(index) || (index as number) < 0 || (index as number) >= largestClassmap)
      throw invalidClassmap(path, `the index of ${name} is ${JSON.stringify(index)}`);
    if (names[index as number] !== undefined)
      throw invalidClassmap(path, `two classes have the index ${index}`);
    names[index as number] = name;
  }
  const missing = Array.from(names).indexOf(undefined as never);
  if (missing >= 0) throw invalidClassmap(path, `no class has the index ${missing}`);
  return names;
};

const largestClassmap = 10_000;

const parseObject = (path: string, text: string): object => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // reported below
  }
  throw invalidClassmap(path, 'it is no JSON object');
};

const invalidClassmap = (path: string, found: string): UserError =>
  new UserError(
    'SpecInvalid',
    `Reading the class map ${path}: ${found}. It must be {"class": index, …} with the indices 0, 1, 2, …, as written by the training.`,
  );
