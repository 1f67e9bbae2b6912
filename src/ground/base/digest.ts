/** Digests for content keys, artifact names and sha256 pins. */
import { createHash, hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { openRegular } from './readable.ts';

/** SHA-256 as 64 lower-case hex digits. */
export const sha256 = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

/** Canonical JSON: keys sorted at every depth, undefined members omitted. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sortMembers(value));

/** A copy with sorted members: half the time of a replacer, which is called for each of them. */
const sortMembers = (value: unknown): unknown => {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sortMembers);
  const members = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.keys(members)
      .sort()
      .map((name) => [name, sortMembers(members[name])]),
  );
};

/** Content key for paths and labels: the first 16 hex digits (64 bits) of the SHA-256 of the canonical JSON. */
export const contentKey = (value: unknown): string => sha256(canonicalJson(value)).slice(0, 16);

/** SHA-256 of pieces, end to end. */
export const digestOf = (pieces: Iterable<Uint8Array>): string => {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
};

/** SHA-256 of a regular file that may be larger than memory. @throws UserError InputNotFound for any other kind */
export const fileDigest = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await using file = await openRegular(path);
  for await (const part of file.createReadStream({ autoClose: false })) hash.update(part as Buffer);
  return hash.digest('hex');
};

/** Whether the path is a regular file with this SHA-256. */
export const hasDigest = async (path: string, expected: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined); // A file that cannot be read is reported when it is written.
  return found?.isFile() === true && (await fileDigest(path)) === expected;
};
