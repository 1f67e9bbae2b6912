import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { beginEncrypting, decryptModel, openEncrypted } from '../../src/formats/crypto/encrypted-model.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { readableBytes, readChunks } from '../../src/ground/base/readable.ts';
import { encryptEtlt, encryptTlt } from '../builders/encrypted.ts';
import { sameBytes } from '../builders/same-bytes.ts';
import { runAge } from './age-binary.ts';

const key = 'nvidia_tlt – schlüssel';
const payload = new Uint8Array(randomBytes(200_000));
const quick = { workFactor: 2 };

const fails = async (
  t: ExecutionContext,
  opened: Promise<unknown>,
  reason: FailureReason,
  says = '',
): Promise<void> => {
  const error = await t.throwsAsync(opened, { instanceOf: UserError });
  t.is(error?.reason, reason, error?.message);
  t.true(error?.message.includes(says), error?.message);
  t.false(error?.message.includes(key));
};

const isPayload = (t: ExecutionContext, found: Uint8Array, expected: Uint8Array = payload): boolean =>
  t.true(sameBytes(found, expected));

test('a .tlt decrypts to its payload', async (t) => {
  const { payload: found, ...rest } = await decryptModel(await encryptTlt(payload, key, quick), key);
  t.deepEqual(rest, { container: 'tlt', inputName: '' });
  isPayload(t, found);
});
test('an .etlt with an ONNX begins with the length 0', async (t) => {
  const bytes = await encryptEtlt(payload, key, quick);
  t.deepEqual([...bytes.subarray(0, 8)], [0, 0, 0, 0, ...Buffer.from('age-')]);
  const { payload: found, ...rest } = await decryptModel(bytes, key);
  t.deepEqual(rest, { container: 'etlt', inputName: '' });
  isPayload(t, found);
});
test('an .etlt names the input node after its little-endian length', async (t) => {
  const bytes = await encryptEtlt(payload, key, { inputName: 'input_1', ...quick });
  t.deepEqual([...bytes.subarray(0, 12)], [7, 0, 0, 0, ...Buffer.from('input_1a')]);
  t.is((await decryptModel(bytes, key)).inputName, 'input_1');
});
test('an encryption that was begun before its payload was ready has the same header and opens with its key', async (t) => {
  const begun = beginEncrypting(key, quick);
  const { header } = await begun.begun!;
  const bytes = await encryptTlt(payload, key, begun);
  t.deepEqual(Buffer.from(bytes.subarray(0, header.length)), Buffer.from(header));
  isPayload(t, (await decryptModel(bytes, key)).payload);
});
for (const size of [0, 1, 65_535, 65_536, 65_537])
  test(`a payload of ${size} bytes is decrypted to the same bytes`, async (t) => {
    const opened = await decryptModel(await encryptTlt(payload.subarray(0, size), key, quick), key);
    isPayload(t, opened.payload, payload.subarray(0, size));
  });
test('any range of a payload can be read', async (t) => {
  const { content } = await openEncrypted(readableBytes(await encryptEtlt(payload, key, quick)), key);
  t.is(content.size, payload.length);
  const part = fc.record({ at: fc.nat(payload.length), length: fc.nat(150_000) });
  const isRead = fc.property(part, ({ at, length }) =>
    t.true(Buffer.from(content.read(at, length)).equals(payload.subarray(at, at + length))),
  );
  fc.assert(isRead, { numRuns: 50 });
  isPayload(t, Buffer.concat([...readChunks(content)]));
});
test('a chunk that is altered, moved or missing is reported when it is read', async (t) => {
  const encrypted = Buffer.from(await encryptTlt(payload, key, quick));
  const opened = async (bytes: Buffer) => (await openEncrypted(readableBytes(bytes), key)).content;
  const start = encrypted.length - 3 * 16 - payload.length - 16 + 65_552; // of the second of four chunks
  const altered = Buffer.from(encrypted);
  altered[start]! ^= 1;
  const content = await opened(altered);
  isPayload(t, content.read(0, 65_536), payload.subarray(0, 65_536));
  const isDamaged = { instanceOf: UserError, message: /chunk 1 of 4 does not match its tag/ };
  t.throws(() => content.read(65_535, 2), isDamaged);
  const [second, third] = [start, start + 65_552].map((at) => encrypted.subarray(at, at + 65_552));
  const moved = [encrypted.subarray(0, start), third!, second!, encrypted.subarray(start + 2 * 65_552)];
  const swapped = await opened(Buffer.concat(moved));
  t.throws(() => swapped.read(65_536, 1), isDamaged);
  const cut = await opened(encrypted.subarray(0, start + 65_552));
  t.throws(() => cut.whole(), { instanceOf: UserError, message: /chunk 1 of 2 does not match its tag/ });
});
test('encrypting a payload twice gives different bytes', async (t) => {
  const [one, other] = [await encryptTlt(payload, key, quick), await encryptTlt(payload, key, quick)];
  t.false(sameBytes(one, other));
});

test('age decrypts an .etlt without its prefix', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'age-'));
  writeFileSync(join(folder, 'model.age'), (await encryptEtlt(payload, key)).subarray(4));
  const run = await runAge(['-d', '-o', join(folder, 'model.onnx'), join(folder, 'model.age')], key);
  t.is(run.status, 0, run.output);
  isPayload(t, readFileSync(join(folder, 'model.onnx')));
});
test('a file encrypted by age -p is a .tlt', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'age-'));
  writeFileSync(join(folder, 'model.onnx'), payload);
  const run = await runAge(['-p', '-o', join(folder, 'model.tlt'), join(folder, 'model.onnx')], key);
  t.is(run.status, 0, run.output);
  isPayload(t, (await decryptModel(readFileSync(join(folder, 'model.tlt')), key)).payload);
});
test('age also refuses a wrong key', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'age-'));
  writeFileSync(join(folder, 'model.tlt'), await encryptTlt(payload, key, quick));
  const run = await runAge(['-d', '-o', join(folder, 'model.onnx'), join(folder, 'model.tlt')], 'other');
  t.not(run.status, 0);
  t.regex(run.output, /incorrect passphrase/);
});

for (const wrong of ['other', `${key} `, `${key}\n`, key.slice(1)])
  test(`${JSON.stringify(wrong)} is a wrong key`, async (t) => {
    await fails(t, decryptModel(await encryptTlt(payload, key, quick), wrong), 'WrongKey');
  });
test('an empty key is reported as missing', async (t) => {
  await fails(t, encryptTlt(payload, ''), 'KeyMissing');
  await fails(t, decryptModel(await encryptTlt(payload, key, quick), ''), 'KeyMissing');
});

test('an excessive work factor is refused before any key is derived', async (t) => {
  const text = Buffer.from(await encryptTlt(payload, key, { workFactor: 10 })).toString('latin1');
  const hostile = Buffer.from(text.replace(/(-> scrypt \S+) 10\n/, '$1 30\n'), 'latin1');
  const started = performance.now();
  await fails(t, decryptModel(hostile, key), 'ModelInvalid', 'work factor 30');
  t.true(performance.now() - started < 20_000, '2^30 rounds would take hours');
});

test("a file encrypted by NVIDIA's tools is recognised, and the error names alternatives", async (t) => {
  const noise = randomBytes(20_000);
  noise.writeInt32LE(-5, 0);
  await fails(t, decryptModel(noise, key), 'ModelForeign', '.hdf5');
  const etlt = Buffer.concat([Buffer.from([7, 0, 0, 0]), Buffer.from('input_1'), noise]);
  await fails(t, decryptModel(etlt, key), 'ModelForeign', 'plain ONNX');
  await fails(t, decryptModel(Buffer.concat([Buffer.alloc(4), noise]), key), 'ModelForeign');
});
const notDecryptable = test.macro(async (t, bytes: Uint8Array, says: string) =>
  fails(t, decryptModel(bytes, key), 'ModelInvalid', says),
);
test('an empty file is truncated', notDecryptable, new Uint8Array(), 'truncated');
test(
  'text is not a model',
  notDecryptable,
  Buffer.from('apiVersion: v1\nkind: Secret\n'.repeat(99)),
  'neither',
);
test('an HDF5 file is not encrypted', notDecryptable, Buffer.from('\x89HDF\r\n\x1a\n....', 'latin1'), 'hdf5');
test(
  'an age file for a recipient is not encrypted with a passphrase',
  notDecryptable,
  Buffer.from(
    'age-encryption.org/v1\n-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\nEmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n--- Vn+54jqiiUCE+WZcEVY3f1sqHjlu/z1LCQ/T7Xm7qI0\n\x00',
    'latin1',
  ),
  'recipients',
);

/** The result is the payload itself or a UserError; never a crash, a hang or another payload. */
const opensOrRefuses = async (bytes: Uint8Array): Promise<FailureReason | 'opened'> => {
  try {
    const opened = await decryptModel(bytes, key);
    if (!Buffer.from(opened.payload).equals(payload.subarray(0, 700))) throw new Error('another payload');
    return 'opened';
  } catch (error) {
    if (error instanceof UserError) return error.reason;
    throw error;
  }
};

for (const [name, encrypt] of Object.entries({ '.tlt': encryptTlt, '.etlt': encryptEtlt })) {
  test(`an ${name} truncated at any byte is refused as damaged`, async (t) => {
    const bytes = await encrypt(payload.subarray(0, 700), key, quick);
    for (let length = 0; length < bytes.length; length += 1)
      t.is(await opensOrRefuses(bytes.subarray(0, length)), 'ModelInvalid', `${length} bytes`);
  });
  test(`a flipped bit anywhere in an ${name} is refused`, async (t) => {
    const bytes = await encrypt(payload.subarray(0, 700), key, quick);
    const flip = fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7) });
    const check = fc.asyncProperty(flip, async ({ at, bit }) => {
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= 1 << bit;
      t.not(await opensOrRefuses(flipped), 'opened', `bit ${bit} of byte ${at}`);
    });
    await fc.assert(check, { numRuns: 800 });
  });
}
