/** Decodes BMP files like Pillow. */
import { type BitmapHeader, parseBitmapHeader } from './bitmap-header.ts';
import { unpackRuns } from './bitmap-runs.ts';
import type { Picture } from './picture.ts';
import { cutShort, unreadable } from './picture-fault.ts';

/** True if a file that starts with these bytes is a BMP. */
export const isBitmap = (start: Uint8Array): boolean => start[0] === 0x42 && start[1] === 0x4d;

/** Decodes a whole BMP file. `requirePixels` checks the declared size before memory is allocated. @throws PictureFault */
export const readBitmap = (
  bytes: Uint8Array,
  requirePixels: (width: number, height: number) => void,
): Picture => {
  const header = parseBitmapHeader(bytes);
  const { width, height, bits } = header;
  if (width <= 0 || height <= 0) throw cutShort();
  requirePixels(width, height);
  return bits <= 8 ? readIndexed(bytes, header) : readColoured(bytes, header);
};

const readIndexed = (bytes: Uint8Array, header: BitmapHeader): Picture => {
  const { width, height, palette, coding, bits } = header;
  const colours = paletteUnlessGrey(header);
  if (!colours && coding === 'raw' && bits !== (palette.length <= 2 ? 1 : 8))
    throw unreadable(`it is a grey BMP with ${bits} bits per pixel`);
  const indexes = coding === 'raw' ? unpackIndexes(bytes, header) : unpackRuns(bytes, header);
  const levels = palette.length <= 2 && coding === 'raw' ? [0, 255] : undefined;
  const colour = new Uint8Array(width * height * 3);
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    const grey = levels ? levels[index]! : index;
    colour.set(colours ? (colours[index] ?? black) : [grey, grey, grey], i * 3);
  }
  return {
    width,
    height,
    colour,
    black: undefined,
    alpha: undefined,
    indexed: colours !== undefined || levels !== undefined,
  };
};

const black = [0, 0, 0] as const;

/** The palette, or undefined if it is the grey ramp, so that indexes already are levels. */
const paletteUnlessGrey = ({ palette }: BitmapHeader): BitmapHeader['palette'] | undefined => {
  const isGrey = palette.every((colour, i) => {
    const level = palette.length === 2 ? i * 255 : i;
    return colour.every((each) => each === level);
  });
  return isGrey ? undefined : palette;
};

const strideOf = ({ width, bits }: BitmapHeader): number => Math.ceil((width * bits) / 32) * 4;

/** @throws PictureFault if the file ends before the last row */
const rowsOf = (bytes: Uint8Array, header: BitmapHeader): ((y: number) => Uint8Array) => {
  const { height, offset, fromTop } = header;
  const stride = strideOf(header);
  if (bytes.length < offset + stride * height) throw cutShort();
  return (y) => {
    const start = offset + (fromTop ? y : height - 1 - y) * stride;
    return bytes.subarray(start, start + stride);
  };
};

const unpackIndexes = (bytes: Uint8Array, header: BitmapHeader): Uint8Array => {
  const { width, height, bits } = header;
  const row = rowsOf(bytes, header);
  const [perByte, mask] = [8 / bits, 2 ** bits - 1];
  const indexes = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const packed = row(y);
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits * ((x % perByte) + 1);
      indexes[y * width + x] = (packed[Math.floor(x / perByte)]! >> shift) & mask;
    }
  }
  return indexes;
};

const readColoured = (bytes: Uint8Array, header: BitmapHeader): Picture => {
  const { width, height, layout } = header;
  if (header.coding !== 'raw')
    throw unreadable(`it is a run-length encoded BMP with ${header.bits} bits per pixel`);
  const row = rowsOf(bytes, header);
  const colour = new Uint8Array(width * height * 3);
  const alpha = layout.includes('A') ? new Uint8Array(width * height) : undefined;
  const step = layout.length;
  const [red, green, blue, opacity] = ['R', 'G', 'B', 'A'].map((each) => layout.indexOf(each)) as [
    number,
    number,
    number,
    number,
  ];
  for (let y = 0; y < height; y++) {
    const packed = row(y);
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      if (header.bits === 16) colour.set(rgbOfWord(packed[2 * x]! + 256 * packed[2 * x + 1]!, layout), at);
      else colour.set([packed[x * step + red]!, packed[x * step + green]!, packed[x * step + blue]!], at);
      if (alpha) alpha[y * width + x] = packed[x * step + opacity]!;
    }
  }
  return { width, height, colour, black: undefined, alpha, indexed: false };
};

/** A 16-bit pixel as [red, green, blue]; 5 and 6 bits are scaled to 8 and rounded down, like Pillow. */
const rgbOfWord = (word: number, layout: string): readonly [number, number, number] => {
  const greens = layout === '565' ? 6 : 5;
  const level = (shift: number, bits: number) =>
    Math.floor((((word >> shift) & (2 ** bits - 1)) * 255) / (2 ** bits - 1));
  return [level(5 + greens, 5), level(5, greens), level(0, 5)];
};
