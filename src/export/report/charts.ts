/** The overview of the page as SVG text, drawn by Observable Plot on an in-memory document. */
import { dot, plot } from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { type Markup, raw } from '../../ground/base/markup.ts';
import { decibelNumber } from './decibel.ts';
import type { TensorReport } from './tensor-report.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

type Options = Parameters<typeof plot>[0];

/**
 * Removes Plot's own style element, because the page's policy allows one style sheet, and its labels of groups, which have no
 * role that may have one. Rounds to a tenth of a pixel.
 */
const drawSvg = (options: Options): Markup => {
  const svg = plot({ document: document as unknown as Document, ...options });
  for (const style of svg.querySelectorAll('style')) style.remove();
  for (const group of svg.querySelectorAll('g[aria-label]')) group.removeAttribute('aria-label');
  svg.removeAttribute('class');
  return raw(svg.outerHTML.replace(/(\d+\.\d)\d+/g, '$1'));
};

/** SQNR of each tensor in the order of the graph. */
export const drawOverview = (tensors: readonly TensorReport[]): Markup => {
  const dots = tensors
    .map(({ name, order, sqnrDb }) => ({ name, order, sqnr: decibelNumber(sqnrDb) }))
    .filter(({ sqnr }) => Number.isFinite(sqnr));
  return drawSvg({
    width: 960,
    height: 220,
    marginLeft: 44,
    x: { label: 'position in the graph' },
    y: { label: 'SQNR (dB)', grid: true, zero: true },
    marks: [
      dot(dots, {
        x: 'order',
        y: 'sqnr',
        r: 3,
        fill: 'var(--accent)',
        title: ({ name, sqnr }: (typeof dots)[number]) => `${name}: ${sqnr.toFixed(1)} dB`,
      }),
    ],
  });
};
