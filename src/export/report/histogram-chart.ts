/**
 * The histogram of one tensor as SVG text. A page has hundreds of them, so they are written directly: Observable Plot, which draws
 * the overview, takes 4 ms for each.
 */
import { type Markup, raw } from '../../ground/base/markup.ts';
import { algorithms } from '../../ground/contract/architectures.ts';
import type { TensorReport } from './tensor-report.ts';

/** Colour of a method: a variable of the style sheet. */
export const colourOf = (algorithm: string): string => `var(--${algorithm.toLowerCase()})`;

/** Pixels: the size of the chart, and the frame of the histogram in it. */
const size = { width: 284, height: 66 } as const;
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
  return raw(
    `<svg viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" font-family="system-ui, sans-serif" font-size="10" text-anchor="middle" fill="currentColor">${drawTicks(end, x)}<path d="${area}" fill="var(--bars)"/><path d="M${frame.left},${frame.bottom}H${frame.right}" stroke="var(--line)"/>${lines}${line(threshold, 'var(--chosen)', 2.5)}</svg>`,
  );
};

const drawTicks = (end: number, x: (value: number) => number): string =>
  listTicks(end)
    .map((value) => {
      const at = x(value);
      return `<path d="M${at},${frame.bottom}v3" stroke="currentColor" aria-hidden="true"/><text x="${at}" y="${frame.bottom + 16}">${value}</text>`;
    })
    .join('');

/** Round numbers from 0 to `end`, three to six of them. */
export const listTicks = (end: number): readonly number[] => {
  const power = 10 ** Math.floor(Math.log10(end / 4));
  const step = power * (roundSteps.find((each) => each * power * 5 >= end) ?? 10);
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) =>
    Number((i * step).toPrecision(3)),
  );
};

const roundSteps = [1, 2, 5];

const tenth = (pixels: number): number => Math.round(pixels * 10) / 10;
