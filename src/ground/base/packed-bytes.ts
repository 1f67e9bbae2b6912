/**
 * A compact binary encoding of integers (LEB128 varints), strings and raw bytes. Own code for histogram files instead of
 * protobuf, because bin numbers and counts are read straight into typed arrays; docs/files.md describes the layout.
 */

/** Writes into a buffer that grows. */
export class PackedWriter {
  #bytes = new Uint8Array(2 ** 12);
  #length = 0;

  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** An integer from 0 to 2^53 − 1, seven bits per byte, least significant first. */
  whole(number: number): void {
    this.#reserve(8);
    let rest = number;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.whole(bytes.length);
    this.raw(bytes);
  }

  /** A float64, eight bytes little-endian; keeps infinities and signed zeros. */
  float(number: number): void {
    this.raw(new Uint8Array(Float64Array.of(number).buffer));
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.written);
    this.#bytes = larger;
  }
}

/** Reads the output of `PackedWriter`. Every method throws RangeError if the bytes end or are not such a value. */
export class PackedReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw new RangeError(`${length} bytes are announced and ${this.left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  whole(): number {
    let number = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('the bytes end within a number');
      number += (byte & 0x7f) * unit;
      if (!Number.isSafeInteger(number)) throw new RangeError('a number is larger than 2^53');
      if (byte < 0x80) return number;
    }
  }

  /** A number of entries that take at least one byte each, which bounds the memory that a damaged count can request. */
  count(): number {
    const count = this.whole();
    if (count > this.left) throw new RangeError(`${count} entries are announced in ${this.left} bytes`);
    return count;
  }

  text(): string {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.raw(this.whole()));
  }

  float(): number {
    const { buffer, byteOffset } = this.raw(8);
    return new DataView(buffer, byteOffset).getFloat64(0, true);
  }
}
