/** Encrypts models in memory; the tools write them in chunks. */
import * as encrypted from '../../src/formats/crypto/encrypted-model.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';

type Rest = readonly [key: string, options?: Parameters<typeof encrypted.encryptEtlt>[2]];

export const encryptTlt = async (payload: Uint8Array, ...rest: Rest): Promise<Uint8Array> =>
  joinChunks(await encrypted.encryptTlt(readableBytes(payload), ...rest));

export const encryptEtlt = async (payload: Uint8Array, ...rest: Rest): Promise<Uint8Array> =>
  joinChunks(await encrypted.encryptEtlt(readableBytes(payload), ...rest));

const joinChunks = (pieces: encrypted.Chunks): Uint8Array => new Uint8Array(Buffer.concat([...pieces]));
