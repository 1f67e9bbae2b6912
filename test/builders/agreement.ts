/** The agreement of outputs that are in memory at once. */
import { type Agreement, AgreementSum } from '../../src/graph/evaluation/agreement.ts';
import type { FloatTensor } from '../../src/graph/inference/session.ts';

type Outputs = Readonly<Record<string, FloatTensor>>;

/** Of outputs with TLT's names. */
export const agreementOf = (reference: Outputs, other: Outputs, images: number): Agreement => {
  const sum = new AgreementSum();
  sum.add(reference, other, images);
  return sum.agreement();
};
