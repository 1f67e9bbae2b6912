/**
 * age v1 files encrypted with a passphrase (https://age-encryption.org/v1), compatible with `age -p` and `age -d`. A
 * wrong passphrase, a damaged file and an excessive work factor give different errors. The work factor is checked
 * before any key is derived, so a hostile header cannot cost hours of CPU time or gigabytes of memory.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Identity, Stanza } from 'age-encryption';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { concatChunks, type Readable, readableFrom } from '../../ground/base/readable.ts';
import { derivePayloadKey, openChunks, payloadBytesOf, payloadNonceBytes, sealChunks } from './age-chunks.ts';

/** First bytes of every age v1 file. */
export const ageMagic = 'age-encryption.org/v1\n';

/** Work factor for new files: log2 of scrypt's N. 16 takes 64 MiB and about 0.2 s. */
export const writtenWorkFactor = 16;
/** Highest work factor accepted when reading (1 GiB of memory). `age -p` writes 18. */
export const readWorkFactorLimit = 20;

/** Options of encryption with a passphrase. */
export type PassphraseOptions = {
  /** log2 of scrypt's N. Lower it only in tests: the work factor is what makes guessing a short key slow. */
  readonly workFactor?: number | undefined;
  /** From `beginEncryption` with this passphrase; for one file. */
  readonly begun?: Promise<FileHeader> | undefined;
};

/** The header of a file, and the key that it holds. */
export type FileHeader = { readonly header: Uint8Array; readonly fileKey: Uint8Array };

/**
 * Makes the header of a file whose payload is not ready yet. Most of the time of an encryption goes into the key of its passphrase, which
 * another thread derives.
 */
export const beginEncryption = (
  passphrase: string,
  { workFactor = writtenWorkFactor }: Pick<PassphraseOptions, 'workFactor'> = {},
): Promise<FileHeader> => {
  const begun = createHeader(passphrase, workFactor);
  begun.catch(() => undefined); // The caller that encrypts reports it.
  return begun;
};

/**
 * Encrypts a payload. The chunks of the file are produced lazily, as the caller iterates.
 * @throws UserError ModelInvalid (while iterating) if the payload gets shorter
 */
export const encryptWithPassphrase = async (
  payload: Readable,
  passphrase: string,
  { begun, ...options }: PassphraseOptions = {},
): Promise<Iterable<Uint8Array>> => {
  const { header, fileKey } = await (begun ?? beginEncryption(passphrase, options));
  const nonce = randomBytes(payloadNonceBytes);
  return concatChunks([header, nonce], sealChunks(payload, derivePayloadKey(fileKey, nonce)));
};

/**
 * Makes a header with one scrypt stanza. Derives by Node's OpenSSL off the main thread; the package derives in JavaScript, which takes
 * three times as long, and offers no way to make a header alone.
 */
const createHeader = async (passphrase: string, workFactor: number): Promise<FileHeader> => {
  const fileKey = randomBytes(16);
  const salt = randomBytes(16);
  const body = sealFileKey(fileKey, await deriveKey(passphrase, salt, workFactor));
  const signed = `${ageMagic}-> scrypt ${base64Of(salt)} ${workFactor}\n${base64Of(body)}\n---`;
  const macKey = Buffer.from(hkdfSync('sha256', fileKey, '', 'header', 32));
  const mac = createHmac('sha256', macKey).update(signed).digest();
  return { header: Buffer.from(`${signed} ${base64Of(mac)}\n`), fileKey };
};

/** Without padding. */
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

/**
 * Decrypts a file. Each read decrypts and authenticates only the chunks that it needs.
 * @throws UserError WrongKey, ModelInvalid; reads of the result throw ModelInvalid for an altered chunk
 */
export const openWithPassphrase = async (file: Readable, passphrase: string): Promise<Readable> => {
  const { Decrypter } = await import('age-encryption'); // Its 70 modules load only for encrypted models.
  const decrypter = new Decrypter();
  decrypter.addIdentity(passphraseIdentity(passphrase));
  try {
    const start = Uint8Array.from(file.read(0, headerLimitBytes));
    const fileKey = await decrypter.decryptHeader(start);
    const headerBytes = headerBytesOf(start)!; // decryptHeader has accepted the header, so it is complete
    const nonce = start.slice(headerBytes, headerBytes + payloadNonceBytes);
    const sealed = readableFrom(file, headerBytes + payloadNonceBytes);
    return reportDamage(openChunks(sealed, derivePayloadKey(fileKey, nonce)));
  } catch (thrown) {
    throw asDamage(thrown);
  }
};

/** Upper bound for a header. One with a single passphrase stanza takes 150 bytes. */
const headerLimitBytes = 4096;

/** Length of the header, whose last line is `--- ` and its MAC; undefined if that line is missing. */
const headerBytesOf = (start: Uint8Array): number | undefined =>
  /^.*?\n--- [^\n]*\n/s.exec(Buffer.from(start.subarray(0, headerLimitBytes)).toString('latin1'))?.[0].length;

const reportDamage = ({ size, read, whole }: Readable): Readable => {
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw asDamage(thrown);
    }
  };
  return {
    size,
    read: (offset, length) => guard(() => read(offset, length)),
    whole: () => guard(whole),
  };
};

/** Errors with a system code concern this machine (such as too little memory for scrypt), not the file. */
const asDamage = (thrown: unknown): unknown =>
  thrown instanceof UserError || systemCodeOf(thrown) !== undefined
    ? thrown
    : damagedFile(`it is truncated or altered (${messageOf(thrown)})`, thrown);

/**
 * Reads the work factor and the payload size from the header, without the passphrase. Both are undefined for an
 * incomplete header. Nothing here is authenticated.
 */
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

/** The package's own identity derives in JavaScript, and its error for a wrong key has no code. */
const passphraseIdentity = (passphrase: string): Identity => ({
  unwrapFileKey: async (stanzas) => {
    const { salt, workFactor, body } = parseScryptStanza(stanzas);
    const key = await deriveKey(passphrase, salt, workFactor);
    const fileKey = openFileKey(body, key);
    if (fileKey === undefined)
      throw new UserError(
        'WrongKey',
        'Decrypting the model: the key does not decrypt it. Use the key it was encrypted with, without added spaces or line ends.',
      );
    return fileKey;
  },
});

const parseScryptStanza = (stanzas: readonly Stanza[]) => {
  const [stanza] = stanzas;
  const [kind, salt = '', factor = ''] = stanza?.args ?? [];
  if (stanza === undefined || stanzas.length !== 1 || kind !== 'scrypt')
    throw damagedFile(
      'it is encrypted to age recipients, not with a passphrase. Encrypt it with `tlt-model pack` or `age -p`',
    );
  const bytes = Buffer.from(salt, 'base64');
  if (!/^[1-9]\d*$/.test(factor) || bytes.length !== 16 || stanza.body.length !== 32)
    throw damagedFile('its header is malformed');
  const workFactor = Number(factor);
  if (workFactor > readWorkFactorLimit)
    throw damagedFile(`its header asks for work factor ${factor}; the limit is ${readWorkFactorLimit}`);
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

/** Selects one overload of `scrypt`; promisify would take the last one. */
const scryptOf = (
  passphrase: Buffer,
  salt: Buffer,
  cost: { N: number; r: number; p: number; maxmem: number },
  done: (error: Error | null, key: Buffer) => void,
): void => scrypt(passphrase, salt, 32, cost, done);

/**
 * Encrypts the 16-byte file key and appends the 16-byte tag. Each derived key encrypts one file key, so the nonce is
 * zero (age v1, scrypt recipient stanza).
 */
const sealFileKey = (fileKey: Uint8Array, key: Buffer): Uint8Array => {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  const sealed = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed);
};

/** Decrypts the 16-byte file key. Returns undefined if the tag does not match, which means a wrong passphrase. */
const openFileKey = (body: Uint8Array, key: Buffer): Uint8Array | undefined => {
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAuthTag(body.subarray(16));
  const fileKey = decipher.update(body.subarray(0, 16));
  try {
    decipher.final();
    return new Uint8Array(fileKey);
  } catch {
    return undefined; // final() throws only for a wrong tag
  }
};

const damagedFile = (found: string, cause?: unknown): UserError =>
  new UserError('ModelInvalid', `Decrypting the model: ${found}. Copy the file again from its source.`, {
    cause,
  });
