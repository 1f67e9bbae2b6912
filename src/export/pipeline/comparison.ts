/** int8 compared with float on held-out images, once for all that needs it: the accuracy gate, the report and the engine. */
import { type Agreement, AgreementSum } from '../../graph/evaluation/agreement.ts';
import { outputRoles } from '../../graph/evaluation/output-roles.ts';
import type { FloatTensors } from '../../graph/inference/session.ts';
import { exposeHeads } from '../../graph/plugins/heads.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { Calibrated } from './export.ts';
import { splitOutputs } from './split-batch.ts';
import { batchHeldOut, type ComparedBatch, compareInt8 } from './verify-int8.ts';

/** Scales to compare with float, and held-out images to compare on. */
export type ComparedScales = Pick<Calibrated, 'scales' | 'heldOut'>;

/** Result of a comparison. */
export type FloatComparison = {
  /** Undefined if no image is held out, or the graphs cannot be compared. */
  readonly agreement: Agreement | undefined;
  /** Why the graphs cannot be compared. */
  readonly fault: UserError | undefined;
  /** FloatTensors of the float graph for the first images, one by one; none of graphs whose outputs are not the model's, or not one by one. */
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
  const sum = new AgreementSum(outputRoles(opened.model, opened.outputs));
  const wantsFloat = exposeHeads(opened.model).model === opened.model;
  const float: FloatTensors[] = [];
  const visit = ({ wanted, found, images }: ComparedBatch): void => {
    sum.add(wanted, found, images);
    if (!wantsFloat || float.length >= kept) return;
    const each = splitOutputs(wanted, images) ?? [];
    float.push(...each.slice(0, kept - float.length).map(copyOutputs));
  };
  try {
    await compareInt8(opened, [scales], { batches, signal, visit });
  } catch (thrown) {
    if (!(thrown instanceof UserError) || signal.aborted) throw thrown;
    return { agreement: undefined, fault: thrown, float: [] };
  }
  return { agreement: sum.agreement(), fault: undefined, float };
};

/** The memory of a batch is freed after the visit. */
const copyOutputs = (outputs: FloatTensors): FloatTensors =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => [name, { data: data.slice(), dims }]),
  );
