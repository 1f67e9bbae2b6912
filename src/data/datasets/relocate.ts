/** A plan whose paths are those of the container that trained, made to fit where the data lie now. */
import type { KittiSource, LoaderPlan, TfrecordSource } from './plan.ts';

export type Move = {
  /** An absolute folder, as the spec names it. */
  readonly from: string;
  /** The folder that it is here. */
  readonly to: string;
};

/** Paths that begin with the folder `from` begin with `to`; all others stay. */
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
