/**
 * Identifies the model in an encrypted file: equal for the same model and key, however often it is encrypted, and
 * useless without the key. It is an HMAC with a key that scrypt derives from the passphrase, so guessing the passphrase
 * from it costs as much as guessing it from the file.
 */
import { createHmac, scrypt } from 'node:crypto';
import type { Readable } from '../../ground/base/readable.ts';
import { type PassphraseOptions, writtenWorkFactor } from './age-passphrase.ts';

const salt = 'export.tlt.dev/payload-digest/v1';
const chunkBytes = 2 ** 20;

/** Returns the HMAC-SHA256 of the payload as 64 lower-case hex digits. */
export const computePayloadDigest = async (
  payload: Readable,
  passphrase: string,
  { workFactor = writtenWorkFactor }: PassphraseOptions = {},
): Promise<string> => {
  const hmac = createHmac('sha256', await deriveKey(passphrase, workFactor));
  for (let offset = 0; offset < payload.size; offset += chunkBytes)
    hmac.update(payload.read(offset, Math.min(chunkBytes, payload.size - offset)));
  return hmac.digest('hex');
};

const deriveKey = (passphrase: string, workFactor: number): Promise<Buffer> => {
  const cost = { N: 2 ** workFactor, r: 8, p: 1 };
  const maxmem = 128 * cost.N * cost.r + 2 ** 20;
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, { ...cost, maxmem }, (error, key) => (error ? reject(error) : resolve(key)));
  });
};
