import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findKey, type KeySource, readKey } from '../../src/formats/crypto/key.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';

const folder = mkdtempSync(join(tmpdir(), 'key-'));
const fileWith = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const good = fileWith('good', 'from file\n');
const other = fileWith('other', 'from variable');

const reads = test.macro(async (t, source: KeySource, key: string) => {
  t.is(await readKey(source), key);
});
const refuses = test.macro(async (t, source: KeySource, reason: FailureReason) => {
  const error = await t.throwsAsync(readKey(source), { instanceOf: UserError });
  t.is(error?.reason, reason);
  t.false(error?.message.includes('s3cret'), 'the key must not be in the message');
});

test('-k has priority over the variable', reads, { key: 'flag', env: { TLT_KEY_FILE: other } }, 'flag');
test(
  '--key_file has priority over the variable',
  reads,
  { keyFile: good, env: { TLT_KEY_FILE: other } },
  'from file',
);
test('the variable names a key file', reads, { env: { TLT_KEY_FILE: other } }, 'from variable');
test('one trailing newline is removed', reads, { keyFile: fileWith('two', 'k\n\n'), env: {} }, 'k\n');
test('a trailing CRLF is removed', reads, { keyFile: fileWith('crlf', 'k\r\n'), env: {} }, 'k');
test('spaces in the key are kept', reads, { keyFile: fileWith('spaces', ' k '), env: {} }, ' k ');
test('both flags together are refused', refuses, { key: 's3cret', keyFile: good, env: {} }, 'Usage');
test('a missing key is refused', refuses, { env: {} }, 'KeyMissing');
test('an empty -k', refuses, { key: '', env: {} }, 'KeyMissing');
test('an empty key file', refuses, { keyFile: fileWith('empty', '\n'), env: {} }, 'KeyMissing');
test('an absent key file', refuses, { keyFile: join(folder, 'absent'), env: {} }, 'InputNotFound');
test('a folder as key file', refuses, { keyFile: folder, env: {} }, 'InputNotFound');
const binary = fileWith('binary', Uint8Array.of(0xff, 0xfe, 0x80));
test('a key file that is not text', refuses, { keyFile: binary, env: {} }, 'KeyMissing');

test('findKey returns undefined if no key was given', async (t) => {
  t.is(await findKey({ env: { TLT_KEY_FILE: '' } }), undefined);
});
