/**
 * A cipher that the user brings as a program. It is called as `COMMAND decrypt` or `COMMAND encrypt`, gets the
 * encrypted part or the payload on standard input and the key on file descriptor 3, and answers on standard output.
 * docs/external-codec.md is the contract.
 */
import { UserError } from '../../../ground/base/errors.ts';
import type { Cipher } from '../encrypted-model.ts';
import { type CodecCall, callCodec } from './call.ts';
import { comparing, gathering } from './sinks.ts';

export type CodecOptions = Pick<CodecCall, 'command' | 'signal' | 'warn'> & {
  /** Milliseconds that one call may take; 10 minutes if left out. */
  readonly limitMs?: number;
};

const limitMs = 10 * 60_000;

/** What is encrypted is decrypted again before it is believed: a file that nobody can open would be found on the device. */
export const externalCodec = (options: CodecOptions): Cipher => {
  const call = { limitMs, ...options };
  return {
    decrypt: async (encrypted, key) => {
      const sink = gathering(encrypted.length);
      await callCodec('decrypt', { ...call, input: encrypted, key, sink });
      return sink.bytes();
    },
    encrypt: async (payload, key) => {
      const sink = gathering(payload.length);
      await callCodec('encrypt', { ...call, input: payload, key, sink });
      const back = comparing(payload);
      await callCodec('decrypt', { ...call, input: sink.bytes(), key, sink: back });
      if (!back.same()) throw lossy(options.command);
      return sink.bytes();
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
