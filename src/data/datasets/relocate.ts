/** Maps the paths of a plan from the training container to where the data is now. */
import type { KittiSource, LoaderPlan, TfrecordSource } from './plan.ts';

/** A path prefix and its replacement. */
export type Move = {
  /** Absolute folder in the spec. */
  readonly from: string;
  /** Folder that replaces it. */
  readonly to: string;
};

/** Replaces the folder `from` by `to` in every path of the plan; other paths stay unchanged. */
export const relocatePlan = (plan: LoaderPlan, move: Move): LoaderPlan => {
  const moved = (path: string): string => relocatePath(path, move);
  switch (plan.kind) {
    case 'classFolders': {
      const { training, validation } = plan;
      return {
        ...plan,
        training: moved(training),
        ...(validation !== undefined && { validation: moved(validation) }),
      };
    }
    case 'kittiFolders': {
      const source = (one: KittiSource): KittiSource => ({
        ...one,
        imageFolder: moved(one.imageFolder),
        labelFolder: moved(one.labelFolder),
      });
      return { ...plan, training: plan.training.map(source), validation: plan.validation.map(source) };
    }
    case 'tfrecords': {
      const source = (one: TfrecordSource): TfrecordSource => ({
        ...one,
        records: moved(one.records),
        ...(one.imageFolder !== undefined && { imageFolder: moved(one.imageFolder) }),
      });
      const { validation } = plan;
      return {
        ...plan,
        sources: plan.sources.map(source),
        ...(validation && 'source' in validation && { validation: { source: source(validation.source) } }),
      };
    }
  }
};

const relocatePath = (path: string, { from, to }: Move): string => {
  const folder = from.replace(/\/+$/, '');
  return path === folder || path.startsWith(`${folder}/`) ? `${to}${path.slice(folder.length)}` : path;
};
