/** Header fields of PNG, TIFF and GIF that change Pillow's result and that libvips does not expose. */
import type { Readable } from '../../ground/base/readable.ts';

/**
 * True for a PNG without an alpha channel or palette: Pillow ignores the transparent colour of its tRNS chunk. `start`: 32
 * bytes.
 */
export const hasColourKey = (start: Uint8Array): boolean =>
  textAt(start, 12, 16) === 'IHDR' && (start[25] === 0 || start[25] === 2);

const textAt = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('latin1');

/** True if the palette of a GIF is the grey ramp: Pillow then opens it as grey. */
export const isGreyGif = (file: Readable): boolean => {
  const start = file.read(0, 13).slice();
  if (textAt(start, 0, 3) !== 'GIF' || !(start[10]! & 0x80)) return false;
  const colours = 2 ** ((start[10]! & 7) + 1);
  const table = file.read(13, 3 * colours);
  return table.length === 3 * colours && table.every((level, i) => level === Math.floor(i / 3));
};

/** TIFF tag numbers (TIFF 6.0, section 8). */
export const tiffTag = { bits: 258, compression: 259, photometric: 262 } as const;
/** Values of the TIFF tag PhotometricInterpretation. */
export const photometric = { palette: 3, yCbCr: 6 } as const;

/** First value of each tag in the first directory; undefined if the file is not a classic TIFF. */
export const tiffTags = (file: Readable): ReadonlyMap<number, number> | undefined => {
  const start = file.read(0, 8).slice();
  const order = textAt(start, 0, 2);
  if (order !== 'II' && order !== 'MM') return undefined;
  const isLittle = order === 'II';
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (start.length < 8 || view(start).getUint16(2, isLittle) !== 42) return undefined;
  const directory = view(start).getUint32(4, isLittle);
  const head = file.read(directory, 2).slice();
  const count = head.length < 2 ? 0 : view(head).getUint16(0, isLittle);
  const entries = file.read(directory + 2, 12 * count).slice();
  const tags = new Map<number, number>();
  for (let at = 0; at + 12 <= entries.length; at += 12) {
    const entry = view(entries.subarray(at, at + 12));
    const [type, values] = [entry.getUint16(2, isLittle), entry.getUint32(4, isLittle)];
    tags.set(entry.getUint16(0, isLittle), firstValue(file, entry, { type, values, isLittle }));
  }
  return tags;
};

type Entry = { readonly type: number; readonly values: number; readonly isLittle: boolean };

/** Values that do not fit into four bytes are stored at an offset. */
const firstValue = (file: Readable, entry: DataView, { type, values, isLittle }: Entry): number => {
  if (type !== shortType) return entry.getUint32(8, isLittle);
  if (values <= 2) return entry.getUint16(8, isLittle);
  const bytes = file.read(entry.getUint32(8, isLittle), 2).slice();
  return bytes.length < 2 ? 0 : new DataView(bytes.buffer).getUint16(0, isLittle);
};

const shortType = 3;
