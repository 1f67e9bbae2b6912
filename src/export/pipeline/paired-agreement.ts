/** Agreement of int8 with float over held-out images, and on each of them, so that two candidates can be compared image by image. */
import { type Agreement, AgreementSum } from '../../graph/evaluation/agreement.ts';
import { outputRoles } from '../../graph/evaluation/output-roles.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { splitOutputs } from './split-outputs.ts';
import { type AgreementRequest, type ComparedBatch, compareInt8 } from './verify-int8.ts';

/** Agreement over all images, and on each. */
export type PairedAgreement = {
  readonly whole: Agreement;
  /** SQNR of each image in dB, in their order. */
  readonly each: readonly number[];
};

/**
 * Measures several scales of one graph in one float pass, by candidate.
 * @throws UserError as `compareInt8`
 */
export const measurePaired = async (
  opened: OpenedModel,
  candidates: readonly Scales[],
  request: AgreementRequest,
): Promise<readonly PairedAgreement[]> => {
  const roles = outputRoles(opened.model, opened.outputs);
  const sums = candidates.map(() => ({ whole: new AgreementSum(roles), each: [] as number[] }));
  const visit = (compared: ComparedBatch): void => {
    const { whole, each } = sums[compared.candidate]!;
    whole.add(compared.wanted, compared.found, compared.images);
    for (const { wanted, found, images } of splitBatch(compared)) {
      const one = new AgreementSum(roles);
      one.add(wanted, found, images);
      each.push(one.agreement().sqnrDb);
    }
  };
  await compareInt8(opened, candidates, { ...request, visit });
  return sums.map(({ whole, each }) => ({ whole: whole.agreement(), each }));
};

type Compared = Omit<ComparedBatch, 'candidate'>;

/** The images of a batch; the whole batch if an output has no row for each image. */
const splitBatch = ({ wanted, found, images }: Compared): readonly Compared[] => {
  const [inFloat, inInt8] = [splitOutputs(wanted, images), splitOutputs(found, images)];
  if (!(inFloat && inInt8)) return [{ wanted, found, images }];
  return inFloat.map((each, i) => ({ wanted: each, found: inInt8[i]!, images: 1 }));
};
