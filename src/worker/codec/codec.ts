/**
 * A cipher that the user brings as a program. It is called as `COMMAND decrypt` or `COMMAND encrypt`, gets the
 * encrypted part or the payload on standard input and the key on file descriptor 3, and answers on standard output.
 * docs/external-codec.md is the contract.
 */
import { UserError } from '../../base/errors.ts';
import type { Cipher } from '../../formats/encrypted-model.ts';
import { type Action, type CodecCall, callCodec } from './call.ts';

export type CodecOptions = Pick<CodecCall, 'command' | 'signal' | 'warn'> & {
  /** Milliseconds that one call may take; 10 minutes if left out. */
  readonly limitMs?: number;
};

const limitMs = 10 * 60_000;

/** What is encrypted is decrypted again before it is believed: a file that nobody can open would be found on the device. */
export const externalCodec = (options: CodecOptions): Cipher => {
  const call = (action: Action, input: Uint8Array, key: string): Promise<Uint8Array> =>
    callCodec(action, { limitMs, ...options, input, key });
  return {
    decrypt: (encrypted, key) => call('decrypt', encrypted, key),
    encrypt: async (payload, key) => {
      const encrypted = await call('encrypt', payload, key);
      const back = await call('decrypt', encrypted, key);
      if (!Buffer.from(back.buffer, back.byteOffset, back.length).equals(payload))
        throw lossy(options.command);
      return encrypted;
    },
  };
};

/** A codec that works: it fails here, before long work, where it would fail after it. @throws UserError CodecFailed … */
export const provenCodec = async (options: CodecOptions, key: string): Promise<Cipher> => {
  const codec = externalCodec(options);
  await codec.encrypt(
    Uint8Array.from({ length: 1000 }, (_, index) => index % 251),
    key,
  );
  return codec;
};

const lossy = ([program]: readonly string[]): UserError =>
  new UserError(
    'CodecFailed',
    `Encrypting the model by ${program}: what it encrypted does not decrypt to the same bytes. Nothing was written; mend the program.`,
  );
