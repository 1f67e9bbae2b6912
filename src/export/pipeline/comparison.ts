/** int8 compared with float on held-out images, once for all that needs it: the accuracy gate, the report and the engine. */
import type { Agreement } from '../../graph/evaluation/agreement.ts';
import type { FloatTensors } from '../../graph/inference/session.ts';
import { exposeHeads } from '../../graph/plugins/heads.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { Calibrated } from './export.ts';
import { splitOutputs } from './split-outputs.ts';
import { batchHeldOut, type ComparedBatch, measureInt8Agreement } from './verify-int8.ts';

/** Scales to compare with float, and held-out images to compare on. */
export type ComparedScales = Pick<Calibrated, 'scales' | 'heldOut'>;

/** Result of a comparison. */
export type FloatComparison = {
  /** Undefined if no image is held out, or the graphs cannot be compared. */
  readonly agreement: Agreement | undefined;
  /** Why the graphs cannot be compared. */
  readonly fault: UserError | undefined;
  /** Outputs of the float graph for the first images, one by one; none if it has others than the model, or not a row for each image. */
  readonly float: readonly FloatTensors[];
};

/** How to compare. */
export type ComparisonRequest = ComparedScales & {
  /** For how many images the float outputs are kept. */
  readonly kept: number;
  readonly signal: AbortSignal;
};

/** Compares int8 of these scales with float. @throws the signal's reason */
export const compareWithFloat = async (
  opened: OpenedModel,
  { scales, heldOut, kept, signal }: ComparisonRequest,
): Promise<FloatComparison> => {
  const batches = batchHeldOut(opened, heldOut);
  if (batches === undefined) return { agreement: undefined, fault: undefined, float: [] };
  const hasOwnOutputs = exposeHeads(opened.model).model === opened.model;
  const float: FloatTensors[] = [];
  const visit = ({ wanted, images }: ComparedBatch): void => {
    if (!hasOwnOutputs || float.length >= kept) return;
    const each = splitOutputs(wanted, images) ?? [];
    float.push(...each.slice(0, kept - float.length).map(copyOutputs));
  };
  try {
    const agreement = await measureInt8Agreement(opened, scales, { batches, signal, visit });
    return { agreement, fault: undefined, float };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || signal.aborted) throw thrown;
    return { agreement: undefined, fault: thrown, float: [] };
  }
};

/** The memory of a batch is freed after the visit. */
const copyOutputs = (outputs: FloatTensors): FloatTensors =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => [name, { data: data.slice(), dims }]),
  );
