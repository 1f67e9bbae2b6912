/**
 * Checks the global heaps of an HDF5 file, which hold strings of variable length, before libhdf5 walks them: libhdf5
 * loops forever on some damaged heaps. A heap is `GCOL`, version 1, three bytes, its size (u64), then objects: index
 * (u16, 0 for free space), reference count (u16), four bytes, size (u64), data padded to a multiple of 8. Source: HDF5
 * file format specification 3.0, III.E.
 */
import type { Readable } from '../../ground/base/readable.ts';

/** Returns the offset of the first heap whose objects do not fill it exactly, or undefined. */
export const findBrokenHeap = (file: Readable): number | undefined => {
  for (let start = 0; start < file.size; start += stepBytes) {
    const bytes = file.read(start, stepBytes + headerBytes);
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const heaps = findHeaps(found).map((at) => start + at);
    const broken = heaps.find((at) => !isSound(file, at));
    if (broken !== undefined) return broken;
  }
  return undefined;
};

const stepBytes = 4 * 2 ** 20;
const headerBytes = 16;
const magic = Buffer.from('GCOL\x01', 'latin1');
/** Minimum size; libhdf5 rejects smaller heaps. */
const leastHeap = 4096;

const findHeaps = (bytes: Buffer): number[] => {
  const places: number[] = [];
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1))
    if (at < stepBytes) places.push(at);
  return places;
};

const isSound = (file: Readable, heap: number): boolean => {
  const size = sizeAt(file, heap + 8);
  if (size === undefined || size < leastHeap || heap + size > file.size) return true; // libhdf5 detects this itself
  const end = heap + size;
  for (let at = heap + headerBytes; end - at >= headerBytes; ) {
    const [low = 0, high = 0] = file.read(at, 2);
    const length = sizeAt(file, at + 8);
    if (length === undefined) return false;
    const isFree = low === 0 && high === 0;
    const used = isFree ? length : headerBytes + Math.ceil(length / 8) * 8;
    if (used < headerBytes || at + used > end) return false;
    at += used;
  }
  return true;
};

/** Undefined past the end of the file and above 2^53. */
const sizeAt = (file: Readable, offset: number): number | undefined => {
  const bytes = file.read(offset, 8);
  if (bytes.length < 8) return undefined;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return size <= Number.MAX_SAFE_INTEGER ? Number(size) : undefined;
};
