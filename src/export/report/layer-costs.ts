/** The report's section about layers: the accuracy cost of each in int8, and which to keep in float. */

import { html, type Markup } from '../../ground/base/markup.ts';
import { field } from '../../ground/contract/fields.ts';
import { asDecibel, type Decibel, decibelNumber, decibelText } from './decibel.ts';

/** Accuracy cost of layers that share an input. */
export type LayerCost = {
  /** Layers that are int8 or float together. */
  readonly layers: readonly string[];
  /** Their input tensor. */
  readonly tensor: string;
  /** SQNR of the outputs with only these layers in int8, in decibel. */
  readonly sqnrDb: number;
};

/** Result of a sensitivity analysis. */
export type LayerCosts = {
  /** Number of images compared. */
  readonly images: number;
  /** SQNR with every layer in int8, on all held-out images, in decibel. */
  readonly sqnrDb: number;
  /** The worst first. */
  readonly layers: readonly LayerCost[];
  /** Layers to keep in float, and the SQNR measured with them on all images; undefined if the gain is too small. */
  readonly advice: { readonly keepFloat: readonly string[]; readonly sqnrDb: number } | undefined;
};

/** The result for JSON. */
export type LayerCostsReport = {
  readonly images: number;
  readonly sqnrDb: Decibel;
  readonly layers: readonly (Omit<LayerCost, 'sqnrDb'> & { readonly sqnrDb: Decibel })[];
  readonly advice?: { readonly keepFloat: readonly string[]; readonly sqnrDb: Decibel };
};

/** Converts decibels to a form that JSON can represent. */
export const layerCostsReport = ({ images, sqnrDb, layers, advice }: LayerCosts): LayerCostsReport => ({
  images,
  sqnrDb: asDecibel(sqnrDb),
  layers: layers.map((cost) => ({ ...cost, sqnrDb: asDecibel(cost.sqnrDb) })),
  ...(advice && { advice: { ...advice, sqnrDb: asDecibel(advice.sqnrDb) } }),
});

/** The section of the page. */
export const layerSection = (costs: LayerCostsReport): Markup => html`
<section aria-labelledby="layers"><h2 id="layers">Layers, worst first</h2>
<p class="faint">SQNR of the outputs with only these layers in int8 and all others in float, on ${costs.images} held-out images. Layers that read the same tensor are int8 or float together.</p>
<p>${adviceText(costs)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Table of layers"><table><thead><tr><th scope="col">Layers</th><th scope="col">SQNR</th><th scope="col">Computed from</th></tr></thead>
<tbody>${costs.layers.map(
  ({ layers, tensor, sqnrDb }) =>
    html`<tr><th scope="row"><code>${layers.join(', ')}</code></th><td data-value="${decibelNumber(sqnrDb)}">${decibelText(sqnrDb)}</td><td><code>${tensor}</code></td></tr>
`,
)}</tbody></table></div></section>`;

/** The suggestion as a sentence, for page, logs and messages. */
export const adviceText = ({ sqnrDb, advice }: LayerCostsReport): string => {
  const all = `SQNR of the outputs is ${decibelText(sqnrDb)} with every layer in int8`;
  if (!advice) return `${all}; keeping a few layers in float would gain less than 1 dB.`;
  const { keepFloat, sqnrDb: then } = advice;
  return `${all}, and ${decibelText(then)} with ${keepFloat.join(', ')} kept in float (${field('keepFloat')}).`;
};
