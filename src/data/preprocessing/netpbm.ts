/** Decodes PBM, PGM and PPM files, plain and raw (P1 to P6), like Pillow. http://netpbm.sourceforge.net/doc/ */
import type { Picture } from './picture.ts';
import { cutShort, PictureFault, unreadable } from './picture-fault.ts';

/** True if a file that starts with these bytes is P1 to P6; `Pf` and `P7` are other formats. */
export const isNetpbm = (start: Uint8Array): boolean =>
  start[0] === 0x50 && start[1]! >= 0x31 && start[1]! <= 0x36;

/** Decodes a whole file. `requirePixels` checks the declared size before memory is allocated. @throws PictureFault */
export const readNetpbm = (
  bytes: Uint8Array,
  requirePixels: (width: number, height: number) => void,
): Picture => {
  const kind = bytes[1]! - 0x30;
  const header = new Tokens(bytes, 2);
  const [width, height] = [header.number(), header.number()];
  if (width === 0 || height === 0) throw cutShort();
  requirePixels(width, height);
  const isBits = kind === 1 || kind === 4;
  const most = isBits ? 1 : header.number();
  if (most < 1 || most > 65535) throw unreadable(`its maximum level is ${most}`);
  const channels = kind % 3 === 0 ? 3 : 1;
  const size = { width, height, channels };
  const values =
    kind > 3
      ? readPacked(bytes, header.at, { ...size, most, isBits })
      : header.plain({ ...size, most, isBits });
  return buildPicture(values, { ...size, most, isBits });
};

type Form = {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Maximum value (`maxval` of the header). */
  readonly most: number;
  readonly isBits: boolean;
};

type Values = Uint8Array | Uint16Array;

/** Grey with more than 8 bits keeps its levels, because Pillow resizes them before clipping. */
const buildPicture = (values: Values, { width, height, channels, most, isBits }: Form): Picture => {
  const deepest = channels === 1 && most > 255 ? 65535 : 255;
  const level = isBits
    ? (value: number) => (value === 0 ? 255 : 0)
    : (value: number) => Math.min(deepest, roundHalfToEven((value / most) * deepest));
  const deep = deepest > 255 ? { levels: levelsOf(values, level), isSigned: true } : undefined;
  const colour = new Uint8Array(width * height * 3);
  for (let i = 0; i < colour.length; i++) {
    const at = channels === 3 ? i : Math.floor(i / 3);
    colour[i] = deep ? Math.min(255, deep.levels[at]!) : level(values[at]!);
  }
  return { width, height, colour, black: undefined, alpha: undefined, indexed: isBits, deep };
};

/** Not `Int32Array.from(values, level)`, which also builds a plain array: 1.3 GiB for 100 megapixels. */
const levelsOf = (values: Values, level: (value: number) => number): Int32Array => {
  const levels = new Int32Array(values.length);
  for (let i = 0; i < levels.length; i++) levels[i] = level(values[i]!);
  return levels;
};

/** Rounds halves to even, like Python's `round`. */
const roundHalfToEven = (value: number): number => {
  const whole = Math.floor(value);
  const rest = value - whole;
  if (rest !== 0.5) return rest < 0.5 ? whole : whole + 1;
  return whole % 2 === 0 ? whole : whole + 1;
};

const readPacked = (
  bytes: Uint8Array,
  at: number,
  { width, height, channels, most, isBits }: Form,
): Values => {
  if (isBits) return unpackBits(bytes, at, { width, height });
  const count = width * height * channels;
  const size = most < 256 ? 1 : 2;
  if (bytes.length < at + count * size) throw cutShort();
  if (size === 1) return bytes.subarray(at, at + count);
  return Uint16Array.from({ length: count }, (_, i) => bytes[at + 2 * i]! * 256 + bytes[at + 2 * i + 1]!);
};

const unpackBits = (
  bytes: Uint8Array,
  at: number,
  { width, height }: Pick<Form, 'width' | 'height'>,
): Uint8Array => {
  const stride = Math.ceil(width / 8);
  if (bytes.length < at + stride * height) throw cutShort();
  const bits = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      bits[y * width + x] = (bytes[at + y * stride + (x >> 3)]! >> (7 - (x & 7))) & 1;
  return bits;
};

/** Reads numbers separated by white space; `#` starts a comment. */
class Tokens {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Also consumes one white space after the number: raw rows start right after it. */
  number(): number {
    this.#skipBlank();
    let [value, digits] = [0, 0];
    for (let digit = this.#digit(); digit !== undefined; digit = this.#digit(), digits++)
      value = Math.min(value * 10 + digit, 2 ** 31);
    if (digits === 0) throw this.at < this.#bytes.length ? notANumber() : cutShort();
    if (this.at < this.#bytes.length && !isBlank(this.#bytes[this.at]!)) throw notANumber();
    this.at++;
    return value;
  }

  /** Reads the values of a plain file. @throws PictureFault if a value is too large or values are missing */
  plain({ width, height, channels, most, isBits }: Form): Values {
    const values =
      most < 256 ? new Uint8Array(width * height * channels) : new Uint16Array(width * height * channels);
    for (let i = 0; i < values.length; i++) {
      const value = isBits ? this.#bit() : this.number();
      if (value > most)
        throw new PictureFault(
          `it has a level of ${value}, above its maximum ${most}. Write the file again.`,
        );
      values[i] = value;
    }
    return values;
  }

  /** Bits of a plain PBM may follow each other without white space. */
  #bit(): number {
    this.#skipBlank();
    const digit = this.#digit();
    if (digit === undefined) throw this.at < this.#bytes.length ? notANumber() : cutShort();
    return digit;
  }

  #digit(): number | undefined {
    const digit = (this.#bytes[this.at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    this.at++;
    return digit;
  }

  #skipBlank(): void {
    while (this.at < this.#bytes.length) {
      const byte = this.#bytes[this.at]!;
      if (byte === hash) while (this.at < this.#bytes.length && !isLineEnd(this.#bytes[this.at]!)) this.at++;
      else if (!isBlank(byte)) return;
      else this.at++;
    }
  }
}

const hash = 0x23;
const isLineEnd = (byte: number): boolean => byte === 0x0a || byte === 0x0d;
const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const notANumber = (): PictureFault => new PictureFault('a number is malformed. Convert it to PNG.');
