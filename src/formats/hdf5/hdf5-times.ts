/**
 * Zeroes the modification times that libhdf5 writes into each dataset (h5wasm cannot switch them off), so that the same
 * content gives the same bytes and digest. Walks the old HDF5 layout (superblock 0, object headers 1, groups as B-trees
 * of symbol nodes; "HDF5 File Format Specification Version 3.0", III and IV).
 */
import { type FileHandle, open } from 'node:fs/promises';

/** Zeroes all modification times in a file that h5wasm has written and closed. */
export const zeroTimes = async (path: string): Promise<void> => {
  await using file = await open(path, 'r+');
  const root = (await bytesAt(file, rootEntry + 8, 8)).readBigUInt64LE();
  await visitObject(file, Number(root));
};

/** Offset of the root group's entry in the superblock: a name, then the address of its header. */
const rootEntry = 56;

const messages = { continuation: 0x10, symbolTable: 0x11, modificationTime: 0x12 } as const;

const bytesAt = async (file: FileHandle, position: number, length: number): Promise<Buffer> =>
  (await file.read(Buffer.alloc(length), 0, length, position)).buffer;

/** Object header: 16 bytes with its size at offset 8, then messages in one or more blocks. */
const visitObject = async (file: FileHandle, address: number): Promise<void> => {
  const size = (await bytesAt(file, address, 16)).readUInt32LE(8);
  const blocks = [{ start: address + 16, size }];
  for (const { start, size: length } of blocks) {
    const block = await bytesAt(file, start, length);
    for (let at = 0; at + 8 <= length; at += 8 + block.readUInt16LE(at + 2)) {
      const type = block.readUInt16LE(at);
      if (type === messages.continuation) blocks.push(readBlock(block, at + 8));
      if (type === messages.symbolTable) await visitTree(file, Number(block.readBigUInt64LE(at + 8)));
      if (type === messages.modificationTime) await file.write(new Uint8Array(4), 0, 4, start + at + 12);
    }
  }
};

const readBlock = (block: Buffer, at: number): { readonly start: number; readonly size: number } => ({
  start: Number(block.readBigUInt64LE(at)),
  size: Number(block.readBigUInt64LE(at + 8)),
});

/** B-tree node: 24 bytes with level at offset 5 and number of children at 6, then keys and children alternately. */
const visitTree = async (file: FileHandle, address: number): Promise<void> => {
  const head = await bytesAt(file, address, 24);
  const children = head.readUInt16LE(6);
  const pairs = await bytesAt(file, address + 24, children * 16);
  const visit = head.readUInt8(5) === 0 ? visitSymbols : visitTree;
  for (let child = 0; child < children; child++)
    await visit(file, Number(pairs.readBigUInt64LE(child * 16 + 8)));
};

/**
 * Symbol node: 8 bytes with the number of entries at offset 6, then 40-byte entries: a name, then the address of the
 * object header.
 */
const visitSymbols = async (file: FileHandle, address: number): Promise<void> => {
  const count = (await bytesAt(file, address, 8)).readUInt16LE(6);
  const entries = await bytesAt(file, address + 8, count * 40);
  for (let entry = 0; entry < count; entry++)
    await visitObject(file, Number(entries.readBigUInt64LE(entry * 40 + 8)));
};
