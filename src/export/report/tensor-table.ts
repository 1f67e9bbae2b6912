/** The page's section about calibration: SQNR over the graph, then every tensor, worst first. */

import { html, type Markup, raw } from '../../ground/base/markup.ts';
import { algorithms } from '../../ground/contract/architectures.ts';
import { colourOf, drawHistogram, drawOverview } from './charts.ts';
import { decibelNumber, decibelText } from './decibel.ts';
import type { ExportReport } from './report.ts';
import type { TensorReport } from './tensor-report.ts';

/** Below this SQNR, the tensor's rounding affects the output of most networks. */
const badDb = 20;

/** The section of the page. */
export const tensorSection = ({
  algorithm,
  tensors,
}: NonNullable<ExportReport['calibration']>): Markup => html`
<section aria-labelledby="graph"><h2 id="graph">Quantisation error in the graph</h2>
<p class="faint">SQNR of each tensor, from its histogram, with 127 levels on each side of zero. Tensors without error are omitted.</p>
<div class="overview" role="img" aria-label="Signal to noise of ${tensors.length} tensors in the order of the graph">${drawOverview(tensors)}</div></section>
<section aria-labelledby="list"><h2 id="list">Tensors, worst first</h2>
<p class="faint">Histogram of |x|: height is the logarithm of the count. Chosen is the threshold in the cache (method ${algorithm}); tensors joined by a Concat share the widest threshold.</p>
<ul class="legend">${legend()}</ul>
<p hidden><label for="filter">Filter by name</label> <input id="filter" type="search" autocomplete="off"> <span id="shown" role="status">${tensors.length} of ${tensors.length}</span></p>
<div class="scroll" tabindex="0" role="region" aria-label="Table of tensors"><table id="tensors"><thead><tr>${headings}</tr></thead>
<tbody>${tensors.map(row)}</tbody></table></div></section>`;

const sortable = (name: string, sorted?: 'ascending'): Markup =>
  html`<th scope="col"${sorted && raw(` aria-sort="${sorted}"`)}><button type="button">${name}</button></th>`;

const headings: readonly Markup[] = [
  sortable('Tensor'),
  html`<th scope="col">Histogram</th>`,
  sortable('SQNR', 'ascending'),
  sortable('Clipped'),
  sortable('Chosen'),
  ...algorithms.map((algorithm) => sortable(algorithm)),
  sortable('Min'),
  sortable('Max'),
  sortable('Position'),
];

const legend = (): Markup[] =>
  [...algorithms.filter((algorithm) => algorithm !== 'Auto'), 'Chosen'].map((name) => {
    const line = `<svg width="18" height="12" aria-hidden="true"><path d="M9 0V12" stroke="${colourOf(name)}" stroke-width="${name === 'Chosen' ? 3 : 1.5}"/></svg>`;
    return html`<li>${raw(line)}${name}</li>`;
  });

const row = (tensor: TensorReport): Markup => {
  const { name, order, min, max, threshold, thresholds, sqnrDb, clippedShare } = tensor;
  const decibel = decibelNumber(sqnrDb);
  return html`<tr><th scope="row"><code>${name}</code></th>
<td class="chart"><div role="img" aria-label="Histogram from 0 to ${short(Math.max(-min, max))}, chosen threshold ${short(threshold)}">${drawHistogram(tensor)}</div></td>
<td data-value="${decibel}"${decibel < badDb && raw(' class="bad"')}>${decibelText(sqnrDb)}</td>
<td data-value="${clippedShare}">${percent(clippedShare)}</td>
<td data-value="${threshold}" class="chosen">${short(threshold)}</td>
${algorithms.map((algorithm) => numberCell(thresholds[algorithm]))}${numberCell(min)}${numberCell(max)}${numberCell(order)}</tr>
`;
};

const numberCell = (value: number): Markup => html`<td data-value="${value}">${short(value)}</td>`;

/** Four digits distinguish two thresholds. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

const percent = (share: number): string => {
  if (share === 0) return '0 %';
  return share < 0.0001 ? '< 0.01 %' : `${(share * 100).toFixed(2)} %`;
};
