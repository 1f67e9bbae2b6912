/**
 * Names the model in an encrypted file: equal for the same model and key, however often it is encrypted, and of no use
 * without the key. It is an HMAC under a key that scrypt derives from the passphrase, at the cost that guessing the
 * passphrase by the file itself has.
 */
import { createHmac, scrypt } from 'node:crypto';
import type { Readable } from '../../ground/base/readable.ts';
import { type PassphraseOptions, writtenWorkFactor } from './age-passphrase.ts';

const salt = 'export.tlt.dev/payload-digest/v1';
const pieceBytes = 2 ** 20;

/** 64 lower-case hex digits. */
export const payloadDigest = async (
  payload: Readable,
  passphrase: string,
  { workFactor = writtenWorkFactor }: PassphraseOptions = {},
): Promise<string> => {
  const hmac = createHmac('sha256', await derived(passphrase, workFactor));
  for (let offset = 0; offset < payload.size; offset += pieceBytes)
    hmac.update(payload.read(offset, Math.min(pieceBytes, payload.size - offset)));
  return hmac.digest('hex');
};

const derived = (passphrase: string, workFactor: number): Promise<Buffer> => {
  const cost = { N: 2 ** workFactor, r: 8, p: 1 };
  const maxmem = 128 * cost.N * cost.r + 2 ** 20;
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, { ...cost, maxmem }, (error, key) => (error ? reject(error) : resolve(key)));
  });
};
