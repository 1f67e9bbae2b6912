/**
 * A cipher that the user supplies as a program. It runs as `COMMAND decrypt` or `COMMAND encrypt`, reads the ciphertext
 * or the payload from standard input and the key from file descriptor 3, and writes the result to standard output.
 * docs/external-codec.md is the contract.
 */
import { UserError } from '../../../ground/base/errors.ts';
import type { Cipher } from '../encrypted-model.ts';
import { type CodecCall, callCodec } from './call.ts';
import { createCompareSink, createMemorySink } from './sinks.ts';

/** How a codec is run. */
export type CodecOptions = Pick<CodecCall, 'command' | 'signal' | 'warn'> & {
  /** Time limit of one call in milliseconds; default 10 minutes. */
  readonly limitMs?: number;
};

const limitMs = 10 * 60_000;

/**
 * Creates the cipher. Everything that it encrypts is decrypted again and compared, because a file that cannot be
 * decrypted would otherwise be noticed only on the device.
 * @throws UserError CodecFailed, WrongKey, Interrupted, from its methods
 */
export const createExternalCodec = (options: CodecOptions): Cipher => {
  const call = { limitMs, ...options };
  return {
    decrypt: async (encrypted, key) => {
      const sink = createMemorySink(encrypted.length);
      await callCodec('decrypt', { ...call, input: encrypted, key, sink });
      return sink.bytes();
    },
    encrypt: async (payload, key) => {
      const sink = createMemorySink(payload.length);
      await callCodec('encrypt', { ...call, input: payload, key, sink });
      const back = createCompareSink(payload);
      await callCodec('decrypt', { ...call, input: sink.bytes(), key, sink: back });
      if (!back.same()) throw lossy(options.command);
      return sink.bytes();
    },
  };
};

/**
 * Creates a cipher after a test run, so that a broken codec fails before the long export.
 * @throws UserError CodecFailed, WrongKey, Interrupted
 */
export const createVerifiedCodec = async (options: CodecOptions, key: string): Promise<Cipher> => {
  const codec = createExternalCodec(options);
  await codec.encrypt(
    Uint8Array.from({ length: 1000 }, (_, index) => index % 251),
    key,
  );
  return codec;
};

const lossy = ([program]: readonly string[]): UserError =>
  new UserError(
    'CodecFailed',
    `Encrypting the model by ${program}: its ciphertext does not decrypt to the same bytes. Nothing was written; fix the program.`,
  );
