/**
 * `report.html`: one self-contained file. Its policy allows only this style sheet and this script, by their digests,
 * and embedded images. Nothing is loaded, whatever the names in a model contain.
 */
import { sha256 } from '../../ground/base/digest.ts';
import { html, type Markup, raw } from '../../ground/base/markup.ts';
import { decibelText } from './decibel.ts';
import { layerSection } from './layer-costs.ts';
import type { ExportReport } from './report.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { tensorSection } from './tensor-table.ts';

/** The page as HTML text. */
export const reportPage = (report: ExportReport): string => {
  const { architecture, dataType, model, notes, calibration, sensitivity, int8, levers, agreement } = report;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Export of ${model.source}</title><style>${raw(style)}</style></head>
<body><header><h1>Export of <code>${model.source}</code></h1>
<p class="faint">${architecture}, ${dataType}</p></header><main>
${notes.length > 0 ? html`<div class="notes" role="note">${notes.map((note) => html`<p>${note}</p>`)}</div>` : undefined}
<ul class="cards">${cards(report)}</ul>
${sourceSection(report)}
${int8 && int8Section(int8)}
${levers && leverSection(levers)}
${agreement?.outputs && outputSection(agreement.outputs)}
${inputs(report)}
${sensitivity && layerSection(sensitivity)}
${calibration && tensorSection(calibration)}
</main><script>${raw(script)}</script></body></html>
`.text;
};

const source = (text: string): string => `'sha256-${Buffer.from(sha256(text), 'hex').toString('base64')}'`;

const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src ${source(style)}; script-src ${source(script)}`;

const card = (value: string, meaning: string): Markup =>
  html`<li><b>${value}</b><span>${meaning}</span></li>`;

const cards = ({ agreement, latency, files, model, int8 }: ExportReport): Markup[] => [
  ...(agreement ? agreementCards(agreement) : []),
  ...(int8
    ? [
        card(`${int8.int8Layers} of ${int8.layers}`, 'layers compute in int8'),
        card(share(int8.arithmetic), 'of the arithmetic is int8'),
      ]
    : []),
  ...(latency
    ? [
        card(milliseconds(latency.floatMicroseconds), 'float, median of one run here'),
        card(milliseconds(latency.int8Microseconds), 'int8, median of one run here'),
      ]
    : []),
  card(bytes(model.sizeBytes), 'model as given'),
  ...files.map(({ name, sizeBytes }) => card(bytes(sizeBytes), name)),
];

const agreementCards = (agreement: NonNullable<ExportReport['agreement']>): Markup[] => {
  const { images, sqnrDb, rmse, top1, matchedCells, matchedBoxes } = agreement;
  const seen = images === 1 ? '1 held-out image' : `${images} held-out images`;
  return [
    card(decibelText(sqnrDb), `int8 against float, on ${seen}`),
    card(rmse === null ? 'not finite' : rmse.toPrecision(3), 'root mean square difference'),
    ...(top1 === undefined ? [] : [card(share(top1), 'same top-1 class')]),
    ...(matchedBoxes === undefined ? [] : [card(share(matchedBoxes), 'boxes found by both')]),
    ...(matchedCells === undefined ? [] : [card(share(matchedCells), 'object cells found by both')]),
  ];
};

const sourceSection = ({ model, input, outputs, calibration, files }: ExportReport): Markup => html`
<section aria-labelledby="from"><h2 id="from">Sources</h2><dl>
<dt>Model</dt><dd><code>${model.source}</code>, sha256 <code>${model.sha256}</code></dd>
<dt>Input</dt><dd><code>${input.name}</code>, ${input.channels} × ${input.height} × ${input.width}</dd>
<dt>Outputs</dt><dd><code>${outputs.join(', ')}</code></dd>
${calibration && calibrationRows(calibration)}${files.map(
  ({ name, sha256: digest }) => html`<dt>${name}</dt><dd>sha256 <code>${digest}</code></dd>`,
)}</dl></section>`;

const calibrationRows = (calibration: NonNullable<ExportReport['calibration']>): Markup => {
  const { source: folder, images, seed, algorithm, imagesSha256 } = calibration;
  return html`<dt>Calibrated with</dt><dd>${images} images of <code>${folder}</code>, seed ${seed}, method ${algorithm}</dd>
<dt>Images’ names and sizes</dt><dd>sha256 <code>${imagesSha256}</code></dd>`;
};

const int8Section = ({ floatBecause }: NonNullable<ExportReport['int8']>): Markup | undefined =>
  floatBecause.length === 0
    ? undefined
    : html`<section aria-labelledby="float"><h2 id="float">Layers in float</h2><ul>
${floatBecause.map(({ why, layers }) => html`<li>${layers} ${why}</li>`)}</ul></section>`;

const leverSection = (levers: NonNullable<ExportReport['levers']>): Markup =>
  html`<section aria-labelledby="levers"><h2 id="levers">Tried for int8</h2><dl>
${levers.map(
  ({ name, images, before, after, kept }) =>
    html`<dt>${name}</dt><dd>${decibelText(before)} → ${decibelText(after)} on ${images} held-out images, ${kept ? 'kept' : 'not kept'}</dd>`,
)}</dl></section>`;

const outputSection = (outputs: NonNullable<NonNullable<ExportReport['agreement']>['outputs']>): Markup =>
  html`<section aria-labelledby="outputs"><h2 id="outputs">Agreement of each output</h2><dl>
${outputs.map(({ name, sqnrDb }) => html`<dt><code>${name}</code></dt><dd>${decibelText(sqnrDb)}</dd>`)}</dl></section>`;

const inputs = ({ thumbnails, preprocessing }: ExportReport): Markup | undefined => {
  if (thumbnails.length === 0) return undefined;
  const { order, mean, scale } = preprocessing;
  return html`<section aria-labelledby="inputs"><h2 id="inputs">Inputs as the network gets them</h2>
<p class="faint">Reconstructed from the input tensor: planes in the order ${order.split('').join(', ')}, mean ${mean.join(', ')}, scale ${[
    scale,
  ]
    .flat()
    .map((each) => Number(each.toPrecision(4)))
    .join(', ')}. Wrong colours or a wrong crop here mean that the network gets wrong input.</p>
<div class="inputs">${thumbnails.map(
    ({ name, png }) =>
      html`<figure><img src="${png}" alt="Input made from ${name}"><figcaption>${name}</figcaption></figure>`,
  )}</div></section>`;
};

const milliseconds = (microseconds: number): string => `${(microseconds / 1000).toFixed(2)} ms`;
const share = (value: number): string => `${(value * 100).toFixed(1)} %`;

const bytes = (size: number): string => {
  if (size < 1024) return `${size} B`;
  return size < 2 ** 20 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 2 ** 20).toFixed(1)} MiB`;
};
