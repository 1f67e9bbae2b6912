/** The part of a report about layers: what each costs when it alone is int8, and which few to leave in float. */
import { field } from '../../ground/contract/fields.ts';
import { asDecibel, type Decibel, decibelNumber, decibelText } from './decibel.ts';
import { html, type Markup } from './markup.ts';

export type LayerCost = {
  /** Layers that are int8 or float together. */
  readonly layers: readonly string[];
  /** What they compute from. */
  readonly tensor: string;
  /** Of the outputs against the float ones, with these layers alone in int8. */
  readonly sqnrDb: number;
};

export type LayerCosts = {
  /** Images that the layers were compared on. */
  readonly images: number;
  /** With every layer in int8, on all images kept out of calibration. */
  readonly sqnrDb: number;
  /** The worst first. */
  readonly layers: readonly LayerCost[];
  /** The few to leave in float, and what was measured then on all images; undefined where it would gain too little. */
  readonly advice: { readonly keepFloat: readonly string[]; readonly sqnrDb: number } | undefined;
};

export type LayerCostsReport = {
  readonly images: number;
  readonly sqnrDb: Decibel;
  readonly layers: readonly (Omit<LayerCost, 'sqnrDb'> & { readonly sqnrDb: Decibel })[];
  readonly advice?: { readonly keepFloat: readonly string[]; readonly sqnrDb: Decibel };
};

export const layerCostsReport = ({ images, sqnrDb, layers, advice }: LayerCosts): LayerCostsReport => ({
  images,
  sqnrDb: asDecibel(sqnrDb),
  layers: layers.map((cost) => ({ ...cost, sqnrDb: asDecibel(cost.sqnrDb) })),
  ...(advice && { advice: { ...advice, sqnrDb: asDecibel(advice.sqnrDb) } }),
});

export const layerSection = (costs: LayerCostsReport): Markup => html`
<section aria-labelledby="layers"><h2 id="layers">Layers, the worst first</h2>
<p class="faint">Signal to noise of the outputs with these layers alone in int8 and all others in float, on ${costs.images} images kept out. Layers that compute from one tensor are int8 or float together.</p>
<p>${adviceText(costs)}</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="layers"><table><thead><tr><th scope="col">Layers</th><th scope="col">SQNR</th><th scope="col">Computed from</th></tr></thead>
<tbody>${costs.layers.map(
  ({ layers, tensor, sqnrDb }) =>
    html`<tr><th scope="row"><code>${layers.join(', ')}</code></th><td data-value="${decibelNumber(sqnrDb)}">${decibelText(sqnrDb)}</td><td><code>${tensor}</code></td></tr>
`,
)}</tbody></table></div></section>`;

/** What is advised, as a sentence; also for logs and messages. */
export const adviceText = ({ sqnrDb, advice }: LayerCostsReport): string => {
  const all = `With every layer in int8 the outputs agree to ${decibelText(sqnrDb)}`;
  if (!advice) return `${all}; leaving a few layers in float would gain less than 1 dB.`;
  const { keepFloat, sqnrDb: then } = advice;
  return `${all}; with ${keepFloat.join(', ')} kept in float they agree to ${decibelText(then)} (${field('keepFloat')}).`;
};
