/** Memory from which the counting kernel reads values. */
import { pageBytes } from '../../ground/base/webassembly.ts';

/** A page to which values from elsewhere are copied, and a block for values that are counted in place. */
export class ValueMemory {
  readonly memory: WebAssembly.Memory;
  /** One page, at address 0. */
  readonly stage: Int32Array;
  readonly block: Uint8Array<ArrayBuffer>;

  /** @param blockBytes size of the block; pages that are never touched take no memory of the machine */
  constructor(blockBytes: number) {
    this.memory = new WebAssembly.Memory({ initial: 1 + Math.ceil(blockBytes / pageBytes) });
    this.stage = new Int32Array(this.memory.buffer, 0, pageBytes / Int32Array.BYTES_PER_ELEMENT);
    this.block = new Uint8Array(this.memory.buffer, pageBytes, blockBytes);
  }
}
