/** What an export makes of a model that is quantised already, in a line. */
import type { Quantisation, QuantisationForm } from '../../graph/precision/quantisation-form.ts';

const outcomes: Readonly<Record<QuantisationForm, string>> = {
  pairs: 'the pairs are taken out; int8 uses their scales, or calibrates with --force_ptq',
  weights: 'they become float weights, and int8 calibrates as for any other model',
  partlyInteger: 'they stay as they are; int8 calibrates the layers that are float, with a warning',
  integer: 'fp32 exports it as it is; int8 is refused, for no layer is float',
  operators: 'refused for every data type; export it with Q/DQ pairs',
  foreign: 'refused for every data type; export it with Q/DQ pairs, or export the float model',
};

/** `ConvInteger × 2, DynamicQuantizeLinear × 2: fp32 …` */
export const formatQuantisation = ({ form, operators }: Quantisation): string => {
  const counts = Object.entries(operators).map(([opType, count]) => `${opType} × ${count}`);
  return `${counts.join(', ')}: ${outcomes[form]}`;
};
