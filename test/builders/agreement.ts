/** Computes the agreement of outputs in memory. */
import { type Agreement, AgreementSum } from '../../src/graph/evaluation/agreement.ts';
import type { FloatTensor } from '../../src/graph/inference/session.ts';

type Outputs = Readonly<Record<string, FloatTensor>>;

/** Computes the agreement of outputs with TLT's names. */
export const agreementOf = (reference: Outputs, other: Outputs, images: number): Agreement => {
  const sum = new AgreementSum();
  sum.add(reference, other, images);
  return sum.agreement();
};
