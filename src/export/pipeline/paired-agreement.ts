/** Agreement of int8 with float over held-out images, and on each of them, so that two candidates can be compared image by image. */
import { type Agreement, AgreementSum } from '../../graph/evaluation/agreement.ts';
import { outputRoles } from '../../graph/evaluation/output-roles.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import type { OpenedModel } from '../models/open-model.ts';
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
  const all = [...Object.values(wanted), ...Object.values(found)];
  if (!all.every(({ dims }) => dims[0] === images)) return [{ wanted, found, images }];
  return Array.from({ length: images }, (_, i) => ({
    wanted: takeImage(wanted, i),
    found: takeImage(found, i),
    images: 1,
  }));
};

const takeImage = (outputs: Compared['wanted'], image: number): Compared['wanted'] =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => {
      const [images, ...rest] = dims;
      const size = data.length / images!;
      return [name, { data: data.subarray(image * size, (image + 1) * size), dims: [1, ...rest] }];
    }),
  );
