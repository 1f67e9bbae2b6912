/** PNG files of zeros: a few hundred kilobytes for any number of pixels. */
import { crc32, deflateSync } from 'node:zlib';

export type PngForm = {
  readonly width: number;
  readonly height: number;
  /** RGB with 8 bits; a deep file has RGBA with 16 bits, interlaced. */
  readonly isDeep?: boolean;
};

export const png = ({ width, height, isDeep = false }: PngForm): Uint8Array => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set(isDeep ? [16, 6, 0, 0, 1] : [8, 2, 0, 0, 0], 8);
  const bytes = isDeep ? interlacedBytes(width, height) : height * (1 + width * 3);
  const parts = [
    ...[chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(bytes), { level: 1 }))],
    chunk('IEND', new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat([Buffer.of(137, 80, 78, 71, 13, 10, 26, 10), ...parts]));
};

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
};

/** First column, first row and steps of each Adam7 pass. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const interlacedBytes = (width: number, height: number): number =>
  passes.reduce((bytes, [left, top, across, down]) => {
    const [columns, rows] = [Math.ceil((width - left) / across), Math.ceil((height - top) / down)];
    return bytes + (columns > 0 && rows > 0 ? rows * (1 + columns * 8) : 0);
  }, 0);
