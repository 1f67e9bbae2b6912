/** Decodes the run-length encodings of BMP (RLE8 and RLE4) like Pillow. */
import type { BitmapHeader } from './bitmap-header.ts';
import { cutShort } from './picture-fault.ts';

/** Palette indexes [H,W], top row first. @throws PictureFault if the runs end before the last pixel */
export const unpackRuns = (bytes: Uint8Array, header: BitmapHeader): Uint8Array => {
  const { width, height, fromTop } = header;
  const filled = new Runs(bytes, header).unpack();
  if (fromTop) return filled;
  const indexes = new Uint8Array(filled.length);
  for (let y = 0; y < height; y++)
    indexes.set(filled.subarray(y * width, (y + 1) * width), (height - 1 - y) * width);
  return indexes;
};

class Runs {
  readonly #bytes: Uint8Array;
  readonly #width: number;
  readonly #isHalf: boolean;
  readonly #out: Uint8Array;
  #at: number;
  #end = 0;
  #x = 0;

  constructor(bytes: Uint8Array, { width, height, coding, offset }: BitmapHeader) {
    this.#bytes = bytes;
    this.#width = width;
    this.#isHalf = coding === 'rle4';
    this.#out = new Uint8Array(width * height);
    this.#at = offset;
  }

  unpack(): Uint8Array {
    while (this.#end < this.#out.length && this.#at + 1 < this.#bytes.length) {
      const [count, value] = [this.#next(), this.#next()];
      if (count > 0) this.#repeat(count, value);
      else if (value === 0) this.#endLine();
      else if (value === 1) break;
      else if (value === 2) this.#skip();
      else this.#copy(value);
    }
    if (this.#end < this.#out.length) throw cutShort();
    return this.#out;
  }

  #next(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  #push(value: number): void {
    if (this.#end < this.#out.length) this.#out[this.#end++] = value;
  }

  #repeat(count: number, value: number): void {
    const fits = Math.max(0, Math.min(count, this.#width - this.#x));
    for (let i = 0; i < fits; i++) this.#push(this.#half(value, i));
    this.#x += fits;
  }

  /** An RLE4 byte holds two indexes. */
  #half(value: number, place: number): number {
    if (!this.#isHalf) return value;
    return place % 2 === 0 ? value >> 4 : value & 15;
  }

  #endLine(): void {
    while (this.#end % this.#width !== 0) this.#push(0);
    this.#x = 0;
  }

  #skip(): void {
    const [right, up] = [this.#next(), this.#next()];
    const end = Math.min(this.#out.length, this.#end + right + up * this.#width);
    this.#end = end;
    this.#x = end % this.#width;
  }

  #copy(count: number): void {
    const wanted = Math.min(count, this.#out.length - this.#end);
    const held = this.#isHalf ? Math.ceil(wanted / 2) : wanted;
    if (this.#at + held > this.#bytes.length) throw cutShort();
    for (let i = 0; i < wanted; i++)
      this.#push(this.#half(this.#bytes[this.#at + (this.#isHalf ? i >> 1 : i)]!, i));
    this.#at += held;
    this.#x += count;
    if (this.#at % 2 !== 0) this.#at++;
  }
}
