/**
 * The passphrase form of age v1 (https://age-encryption.org/v1): what `age -p` writes and `age -d` reads. A wrong
 * passphrase, damage and an unreasonable work factor are three different answers, and the last is given before any
 * key is derived, so a hostile header cannot cost hours or gigabytes.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { Decrypter, Encrypter, type Identity, type Recipient, Stanza } from 'age-encryption';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { inOrder, type Readable, readableFrom } from '../../ground/base/readable.ts';
import { openedPieces, payloadBytesOf, payloadKey, payloadNonceBytes, sealedPieces } from './age-pieces.ts';

/** Every age v1 file begins so. */
export const ageMagic = 'age-encryption.org/v1\n';

/** log2 of scrypt's N. 16 takes 64 MiB and about 0.2 s. */
export const writtenWorkFactor = 16;
/** The most that is read: 1 GiB. `age -p` itself writes 18. */
export const readWorkFactorLimit = 20;

export type PassphraseOptions = {
  /** Lower it in tests only: it is what makes guessing a short key slow. */
  readonly workFactor?: number | undefined;
};

/** The file, in pieces that are made as they are taken. */
export const encryptWithPassphrase = async (
  payload: Readable,
  passphrase: string,
  { workFactor = writtenWorkFactor }: PassphraseOptions = {},
): Promise<Iterable<Uint8Array>> => {
  const { header, fileKey } = await headerFor(passphrase, workFactor);
  const nonce = randomBytes(payloadNonceBytes);
  return inOrder([header, nonce], sealedPieces(payload, payloadKey(fileKey, nonce)));
};

/** The package makes the header of a file without content; the key that it draws for that is the file's. */
const headerFor = async (passphrase: string, workFactor: number) => {
  const drawn: Uint8Array[] = [];
  const recipient = passphraseRecipient(passphrase, workFactor);
  const encrypter = new Encrypter();
  encrypter.addRecipient({
    wrapFileKey: (fileKey) => {
      drawn.push(fileKey);
      return recipient.wrapFileKey(fileKey);
    },
  });
  const empty = await encrypter.encrypt(new Uint8Array());
  return { header: empty.subarray(0, headerBytesOf(empty)), fileKey: drawn[0]! };
};

/**
 * What is encrypted in the file, opened piece by piece as it is read; each read tells a piece that is not as it was written.
 * @throws UserError WrongKey, ModelInvalid
 */
export const openWithPassphrase = async (file: Readable, passphrase: string): Promise<Readable> => {
  const decrypter = new Decrypter();
  decrypter.addIdentity(passphraseIdentity(passphrase));
  try {
    const start = Uint8Array.from(file.read(0, headerLimitBytes));
    const fileKey = await decrypter.decryptHeader(start);
    const headerBytes = headerBytesOf(start)!; // a header that the package took has an end
    const nonce = start.slice(headerBytes, headerBytes + payloadNonceBytes);
    const sealed = readableFrom(file, headerBytes + payloadNonceBytes);
    return tellingDamage(openedPieces(sealed, payloadKey(fileKey, nonce)));
  } catch (thrown) {
    throw damageOf(thrown);
  }
};

/** A header for one passphrase takes 150 bytes. */
const headerLimitBytes = 4096;

/** The header ends with the line of its tag. */
const headerBytesOf = (start: Uint8Array): number | undefined =>
  /^.*?\n--- [^\n]*\n/s.exec(Buffer.from(start.subarray(0, headerLimitBytes)).toString('latin1'))?.[0].length;

const tellingDamage = ({ size, read, whole }: Readable): Readable => {
  const telling = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw damageOf(thrown);
    }
  };
  return {
    size,
    read: (offset, length) => telling(() => read(offset, length)),
    whole: () => telling(whole),
  };
};

/** Errors of the system have a code: they speak of this machine (no memory to derive with), not of the file. */
const damageOf = (thrown: unknown): unknown =>
  thrown instanceof UserError || systemCodeOf(thrown) !== undefined
    ? thrown
    : damaged(`it was cut short or altered (${messageOf(thrown)})`, thrown);

/** What the header of an age file says to everyone. */
export const describeAge = (file: Readable) => {
  const start = file.read(0, headerLimitBytes);
  const headerBytes = headerBytesOf(start);
  const header = Buffer.from(start.subarray(0, headerBytes)).toString('latin1');
  const factor = /^age-encryption\.org\/v1\n-> scrypt \S+ (\d+)\n/.exec(header)?.[1];
  return headerBytes !== undefined && factor !== undefined
    ? {
        workFactor: Number(factor),
        payloadBytes: payloadBytesOf(file.size - headerBytes - payloadNonceBytes),
      }
    : { workFactor: undefined, payloadBytes: undefined };
};

/** scrypt by Node's own OpenSSL, off the main thread: the package's recipient derives in JavaScript, in three times the time. */
const passphraseRecipient = (passphrase: string, workFactor: number): Recipient => ({
  wrapFileKey: async (fileKey) => {
    const salt = randomBytes(16);
    const key = await deriveKey(passphrase, salt, workFactor);
    const args = ['scrypt', salt.toString('base64').replace(/=+$/, ''), String(workFactor)];
    return [new Stanza(args, sealFileKey(fileKey, key))];
  },
});

/** The package's identity also derives in JavaScript, and answers wrong keys with text only. */
const passphraseIdentity = (passphrase: string): Identity => ({
  unwrapFileKey: async (stanzas) => {
    const { salt, workFactor, body } = soleStanza(stanzas);
    const key = await deriveKey(passphrase, salt, workFactor);
    const fileKey = openFileKey(body, key);
    if (fileKey === undefined)
      throw new UserError(
        'WrongKey',
        'Decrypting the model: the key does not open it. Use the key it was encrypted with, without added spaces or line ends.',
      );
    return fileKey;
  },
});

const soleStanza = (stanzas: readonly Stanza[]) => {
  const [stanza] = stanzas;
  const [kind, salt = '', factor = ''] = stanza?.args ?? [];
  if (stanza === undefined || stanzas.length !== 1 || kind !== 'scrypt')
    throw damaged(
      'it is an age file for recipients, not for a passphrase. Encrypt it with `tlt-model pack` or `age -p`',
    );
  const bytes = Buffer.from(salt, 'base64');
  if (!/^[1-9]\d*$/.test(factor) || bytes.length !== 16 || stanza.body.length !== 32)
    throw damaged('its header is malformed');
  const workFactor = Number(factor);
  if (workFactor > readWorkFactorLimit)
    throw damaged(
      `its header asks for the work factor ${factor}; more than ${readWorkFactorLimit} is not derived`,
    );
  return { salt: bytes, workFactor, body: stanza.body };
};

const deriveKey = (passphrase: string, salt: Uint8Array, workFactor: number): Promise<Buffer> => {
  const cost = { N: 2 ** workFactor, r: 8, p: 1 };
  const labelled = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), salt]);
  return promisify(scryptOf)(Buffer.from(passphrase), labelled, {
    ...cost,
    maxmem: 128 * cost.N * cost.r + 2 ** 20,
  });
};

/** One signature of the overloaded `scrypt`, which promisify cannot choose by itself. */
const scryptOf = (
  passphrase: Buffer,
  salt: Buffer,
  cost: { N: number; r: number; p: number; maxmem: number },
  done: (error: Error | null, key: Buffer) => void,
): void => scrypt(passphrase, salt, 32, cost, done);

/** The 16-byte file key and a tag of 16 bytes. The key seals nothing else, so the nonce is zero (age v1, scrypt recipient stanza). */
const sealFileKey = (fileKey: Uint8Array, key: Buffer): Uint8Array => {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  const sealed = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed);
};

/** The 16-byte file key, or undefined if its tag does not fit: that is how a wrong passphrase shows. */
const openFileKey = (body: Uint8Array, key: Buffer): Uint8Array | undefined => {
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAuthTag(body.subarray(16));
  const fileKey = decipher.update(body.subarray(0, 16));
  try {
    decipher.final();
    return new Uint8Array(fileKey);
  } catch {
    return undefined; // final() throws for one reason only: the tag
  }
};

const damaged = (found: string, cause?: unknown): UserError =>
  new UserError(
    'ModelInvalid',
    `Decrypting the model: ${found}. Copy the file again from where it was made.`,
    { cause },
  );
