/**
 * The charts of the page as SVG text. A page has hundreds of histograms, so they are written directly: Observable Plot takes 0.3 s to
 * load, and 4 ms for each.
 */
import { escapeHtml, type Markup, raw } from '../../ground/base/markup.ts';
import { algorithms } from '../../ground/contract/architectures.ts';
import { decibelNumber } from './decibel.ts';
import type { TensorReport } from './tensor-report.ts';

/** Colour of a method: a variable of the style sheet. */
export const colourOf = (algorithm: string): string => `var(--${algorithm.toLowerCase()})`;

/** Pixels: the size of a chart. */
type Size = { readonly width: number; readonly height: number };

/** Pixels: the frame of a histogram in its chart. */
const frame = { left: 12, right: 268, top: 2, bottom: 50 } as const;

type Drawn = Pick<TensorReport, 'histogram' | 'threshold' | 'thresholds'>;

/**
 * Histogram of a tensor: height is the logarithm of the count, thin lines are thresholds of the methods, the thick line
 * is the cache's.
 */
export const drawHistogram = ({ histogram: { width, counts }, threshold, thresholds }: Drawn): Markup => {
  const end = Math.max(width * counts.length, threshold) || 1;
  const x = (value: number) => tenth(frame.left + (value / end) * (frame.right - frame.left));
  const heights = counts.map((count) => Math.log10(1 + count));
  const most = Math.max(...heights) || 1;
  const y = (height: number) => tenth(frame.bottom - (height / most) * (frame.bottom - frame.top));
  const top = heights.map((height, bin) => `L${x((bin + 0.5) * width)},${y(height)}`).join('');
  const [first, last] = [0.5 * width, (counts.length - 0.5) * width].map(x);
  const area = `M${first},${frame.bottom}${top}L${last},${frame.bottom}Z`;
  const line = (value: number, colour: string, thickness = 1) =>
    `<path d="M${x(value)},${frame.top}V${frame.bottom}" stroke="${colour}" stroke-width="${thickness}"/>`;
  const methods = algorithms.filter((algorithm) => algorithm !== 'Auto');
  const lines = methods.map((method) => line(thresholds[method], colourOf(method))).join('');
  return drawSvg(
    { width: 284, height: 66 },
    `${drawTicks(end, x)}<path d="${area}" fill="var(--bars)"/><path d="M${frame.left},${frame.bottom}H${frame.right}" stroke="var(--line)"/>${lines}${line(threshold, 'var(--chosen)', 2.5)}`,
  );
};

const drawSvg = ({ width, height }: Size, content: string): Markup =>
  raw(
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="10" text-anchor="middle" fill="currentColor">${content}</svg>`,
  );

const drawTicks = (end: number, x: (value: number) => number): string =>
  listTicks(0, end)
    .map((value) => {
      const at = x(value);
      return `<path d="M${at},${frame.bottom}v3" stroke="currentColor" aria-hidden="true"/><text x="${at}" y="${frame.bottom + 16}">${value}</text>`;
    })
    .join('');

/** Pixels: the frame of the overview in its chart. */
const wide = { left: 44, right: 940, top: 20, bottom: 190 } as const;

/** SQNR of each tensor in the order of the graph. */
export const drawOverview = (tensors: readonly TensorReport[]): Markup => {
  const dots = tensors
    .map(({ name, order, sqnrDb }) => ({ name, order, sqnr: decibelNumber(sqnrDb) }))
    .filter(({ sqnr }) => Number.isFinite(sqnr));
  const end = Math.max(1, ...dots.map(({ order }) => order));
  const [low, high] = [
    Math.min(0, ...dots.map(({ sqnr }) => sqnr)),
    Math.max(1, ...dots.map(({ sqnr }) => sqnr)),
  ];
  const x = (order: number) => tenth(wide.left + (order / end) * (wide.right - wide.left));
  const y = (sqnr: number) => tenth(wide.bottom - ((sqnr - low) / (high - low)) * (wide.bottom - wide.top));
  const rows = listTicks(low, high).map(
    (value) =>
      `<path d="M${wide.left},${y(value)}H${wide.right}" stroke="var(--line)"/><text x="${wide.left - 8}" y="${y(value) + 3}" text-anchor="end">${value}</text>`,
  );
  const columns = listTicks(0, end).map(
    (value) => `<text x="${x(value)}" y="${wide.bottom + 16}">${value}</text>`,
  );
  const points = dots.map(
    ({ name, order, sqnr }) =>
      `<circle cx="${x(order)}" cy="${y(sqnr)}" r="3" fill="var(--accent)"><title>${escapeHtml(`${name}: ${sqnr.toFixed(1)} dB`)}</title></circle>`,
  );
  const titles = `<text x="4" y="10" text-anchor="start">SQNR (dB)</text><text x="${wide.right}" y="216" text-anchor="end">position in the graph</text>`;
  return drawSvg({ width: 960, height: 220 }, [...rows, ...columns, ...points, titles].join(''));
};

/** Round numbers from `low` to `high`, three to six of them. */
export const listTicks = (low: number, high: number): readonly number[] => {
  const span = high - low;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = power * (roundSteps.find((each) => each * power * 5 >= span) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
};

const roundSteps = [1, 2, 5];

const tenth = (pixels: number): number => Math.round(pixels * 10) / 10;
