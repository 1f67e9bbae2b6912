/** Describes in one line what an export does with a quantised model. */
import type { Quantisation, QuantisationForm } from '../../graph/precision/quantisation-form.ts';

const outcomes: Readonly<Record<QuantisationForm, string>> = {
  pairs: 'the pairs are removed; int8 uses their scales, or calibrates with --force_ptq',
  weights: 'they become float weights; int8 calibrates as for any other model',
  partlyInteger: 'they stay unchanged; int8 calibrates the float layers, with a warning',
  integer: 'fp32 exports the model unchanged; int8 is refused, because no layer is float',
  operators: 'refused for every data type; export it with Q/DQ pairs',
  foreign: 'refused for every data type; export it with Q/DQ pairs, or export the float model',
};

/** Formats operators and outcome: `ConvInteger × 2, DynamicQuantizeLinear × 2: fp32 …` */
export const formatQuantisation = ({ form, operators }: Quantisation): string => {
  const counts = Object.entries(operators).map(([opType, count]) => `${opType} × ${count}`);
  return `${counts.join(', ')}: ${outcomes[form]}`;
};
