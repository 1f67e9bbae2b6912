/**
 * The passphrase form of age v1 (https://age-encryption.org/v1): what `age -p` writes and `age -d` reads. A wrong
 * passphrase, damage and an unreasonable work factor are three different answers, and the last is given before any
 * key is derived, so a hostile header cannot cost hours or gigabytes.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { Decrypter, Encrypter, type Identity, type Recipient, Stanza } from 'age-encryption';
import { messageOf, systemCodeOf, UserError } from '../base/errors.ts';

/** Every age v1 file begins so. */
export const ageMagic = 'age-encryption.org/v1\n';

/** log2 of scrypt's N. 16 takes 64 MiB and about 0.2 s. */
export const writtenWorkFactor = 16;
/** The most that is read: 1 GiB. `age -p` itself writes 18. */
export const readWorkFactorLimit = 20;

export type PassphraseOptions = {
  /** Lower it in tests only: it is what makes guessing a short key slow. */
  readonly workFactor?: number;
};

/** Ciphertext of the payload; 64 KiB pieces, each authenticated. */
export const encryptWithPassphrase = async (
  payload: Uint8Array,
  passphrase: string,
  { workFactor = writtenWorkFactor }: PassphraseOptions = {},
): Promise<Uint8Array> => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(passphraseRecipient(passphrase, workFactor));
  const encrypted = await encrypter.encrypt(inPieces(payload));
  return gather(encrypted, encrypted.size(payload.length));
};

/**
 * The payload, if every byte of the ciphertext is as it was written.
 * @throws UserError WrongKey, ModelInvalid
 */
export const decryptWithPassphrase = async (
  ciphertext: Uint8Array,
  passphrase: string,
): Promise<Uint8Array> => {
  const decrypter = new Decrypter();
  decrypter.addIdentity(passphraseIdentity(passphrase));
  try {
    const decrypted = await decrypter.decrypt(inPieces(ciphertext));
    return await gather(decrypted, decrypted.size(ciphertext.length));
  } catch (thrown) {
    // Node's own errors have a code: they speak of this machine (no memory to derive with), not of the file.
    if (thrown instanceof UserError || systemCodeOf(thrown) !== undefined) throw thrown;
    throw damaged(`it was cut short or altered (${messageOf(thrown)})`, thrown);
  }
};

/** Given whole, the package would hold every piece of the result twice more: 1.1 GiB for 200 MB instead of 0.6. */
const inPieces = (bytes: Uint8Array): ReadableStream<Uint8Array> => {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + 65_536));
      at += 65_536;
    },
  });
};

const gather = async (stream: ReadableStream<Uint8Array>, size: number): Promise<Uint8Array> => {
  const bytes = new Uint8Array(size);
  let end = 0;
  for await (const piece of stream) {
    bytes.set(piece, end);
    end += piece.length;
  }
  if (end !== size) throw new Error(`it has ${end} bytes where its length promises ${size}`);
  return bytes;
};

/** What the header of an age file says to everyone. */
export const describeAge = (ciphertext: Uint8Array) => {
  const header = /^age-encryption\.org\/v1\n-> scrypt \S+ (\d+)\n.*?\n--- [^\n]*\n/s.exec(
    Buffer.from(ciphertext.subarray(0, 4096)).toString('latin1'),
  );
  return header
    ? { workFactor: Number(header[1]), payloadBytes: plaintextBytes(ciphertext.length - header[0].length) }
    : { workFactor: undefined, payloadBytes: undefined };
};

/** After the header: a 16-byte nonce, then pieces of 64 KiB with 16 bytes of tag each, the last one shorter. */
const plaintextBytes = (bytes: number): number | undefined => {
  const pieces = Math.ceil((bytes - 16) / (65_536 + 16));
  const payload = bytes - 16 - pieces * 16;
  return payload < 0 ? undefined : payload;
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
