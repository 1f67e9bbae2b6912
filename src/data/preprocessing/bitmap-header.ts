/**
 * BMP headers, from the 12 bytes of OS/2 to the 124 bytes of version 5. The supported forms are those of Pillow
 * (BmpImagePlugin.py): a training that used Pillow cannot have read any other.
 */
import { cutShort, unreadable } from './picture-fault.ts';

/** Header fields of a BMP file. */
export type BitmapHeader = {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** True if the first row is the top row. */
  readonly fromTop: boolean;
  readonly coding: 'raw' | 'rle8' | 'rle4';
  /** Colours as [red, green, blue]; empty if pixels store their colour directly. */
  readonly palette: readonly (readonly [number, number, number])[];
  /** Byte offset of the pixel rows. */
  readonly offset: number;
  /** Channel of each byte of a 24 or 32-bit pixel (`BGR`, `BGRX`), or the bits per channel of a 16-bit pixel (`565`). */
  readonly layout: string;
};

/**
 * Parses the file header, the info header and the palette. @throws PictureFault if damaged, or a form that Pillow cannot
 * read
 */
export const parseBitmapHeader = (bytes: Uint8Array): BitmapHeader => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = readHeaderSize(view);
  const {
    bits,
    compression,
    colours: counted,
    ...shape
  } = size === 12 ? readCoreHeader(view) : readInfoHeader(view);
  const coding = codings[compression];
  if (!depths.includes(bits)) throw unreadable(`it is a BMP with ${bits} bits per pixel`);
  if (!coding) throw unreadable(`it is a BMP with compression ${compression}`);
  const hasMasks = compression === bitFields;
  const layout = hasMasks ? readMaskLayout(view, size, bits) : plainLayouts[bits]!;
  const place = {
    start: 14 + size + (hasMasks && size === 40 ? 12 : 0),
    entry: size === 12 ? 3 : 4,
    colours: counted || 2 ** bits,
  };
  const palette = bits <= 8 ? readPalette(bytes, place) : [];
  return { ...shape, bits, coding, palette, layout, offset: findRows(view, place, bits) };
};

/** @throws PictureFault */
const readHeaderSize = (view: DataView): number => {
  if (view.byteLength < 26) throw cutShort();
  const size = view.getUint32(14, true);
  if (!headerSizes.includes(size)) throw unreadable(`its BMP header has ${size} bytes`);
  if (view.byteLength < 14 + size) throw cutShort();
  return size;
};

/** Byte offset of the rows. Some writers store the end of the header and forget the palette that follows it. */
const findRows = (view: DataView, { start, entry, colours }: PaletteLocation, bits: number): number => {
  const declared = view.getUint32(10, true);
  const palette = bits <= 8 ? entry * colours : 0;
  if (declared === 0) return start + palette;
  return declared === 14 + view.getUint32(14, true) ? declared + palette : declared;
};

const headerSizes: readonly number[] = [12, 40, 52, 56, 64, 108, 124];
const depths: readonly number[] = [1, 4, 8, 16, 24, 32];
const bitFields = 3;
const codings: Readonly<Record<number, BitmapHeader['coding']>> = {
  0: 'raw',
  1: 'rle8',
  2: 'rle4',
  3: 'raw',
};
const plainLayouts: Readonly<Record<number, string>> = {
  1: '1',
  4: '4',
  8: '8',
  16: '555',
  24: 'BGR',
  32: 'BGRX',
};

const readCoreHeader = (view: DataView) => ({
  width: view.getUint16(18, true),
  height: view.getUint16(20, true),
  fromTop: false,
  bits: view.getUint16(24, true),
  compression: 0,
  colours: 0,
});

const readInfoHeader = (view: DataView) => {
  const height = view.getInt32(22, true);
  return {
    width: view.getInt32(18, true),
    height: Math.abs(height),
    fromTop: height < 0,
    bits: view.getUint16(28, true),
    compression: view.getUint32(30, true),
    colours: view.getUint32(46, true),
  };
};

/** Bits per pixel and the masks of red, green, blue and alpha in hexadecimal → channel of each byte. */
const layoutOfMasks: Readonly<Record<string, string>> = {
  '32 ff0000 ff00 ff 0': 'BGRX',
  '32 ff000000 ff0000 ff00 0': 'XBGR',
  '32 ff000000 ff00 ff 0': 'BGXR',
  '32 ff000000 ff0000 ff00 ff': 'ABGR',
  '32 ff ff00 ff0000 ff000000': 'RGBA',
  '32 ff0000 ff00 ff ff000000': 'BGRA',
  '32 ff000000 ff00 ff ff0000': 'BGAR',
  '32 0 0 0 0': 'BGRA',
  '24 ff0000 ff00 ff': 'BGR',
  '16 f800 7e0 1f': '565',
  '16 7c00 3e0 1f': '555',
};

const readMaskLayout = (view: DataView, size: number, bits: number): string => {
  if (view.byteLength < 14 + 40 + 16) throw cutShort();
  const masks = [0, 4, 8].map((at) => view.getUint32(54 + at, true));
  const opacity = size >= 56 ? view.getUint32(66, true) : 0;
  const words = [...masks, ...(bits === 32 ? [opacity] : [])].map((mask) => mask.toString(16));
  const layout = layoutOfMasks[[bits, ...words].join(' ')];
  if (layout === undefined) throw unreadable(`it is a ${bits}-bit BMP with masks ${words.join(', ')}`);
  return layout;
};

type PaletteLocation = { readonly start: number; readonly entry: number; readonly colours: number };

const readPalette = (
  bytes: Uint8Array,
  { start, entry, colours }: PaletteLocation,
): BitmapHeader['palette'] => {
  if (colours > 65536) throw unreadable(`its palette has ${colours} colours`);
  const whole = Math.min(colours, Math.floor((bytes.length - start) / entry));
  return Array.from({ length: whole }, (_, i) => {
    const [blue = 0, green = 0, red = 0] = bytes.subarray(start + i * entry, start + i * entry + 3);
    return [red, green, blue] as const;
  });
};
