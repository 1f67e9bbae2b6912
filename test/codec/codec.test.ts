/** External codecs: the contract, the wrapper for NVIDIA's package, and faulty programs. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { parseCommand } from '../../src/adapters/cli/parse-command.ts';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { createVerifiedCodec } from '../../src/formats/crypto/external/codec.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { aCodec, aProgram, nvidiaCommand, standInCommand } from '../builders/codec.ts';
import { encryptEtlt, encryptTlt } from '../builders/encrypted.ts';
import { modelFile } from '../models/models.ts';

const key = 'nvidia_tlt – schlüssel';
const model = readFileSync(modelFile('classifier'));

const fails = async (
  t: ExecutionContext,
  work: Promise<unknown>,
  { reason, says }: { readonly reason: FailureReason; readonly says: RegExp },
): Promise<void> => {
  const error = await t.throwsAsync(work, { instanceOf: UserError });
  t.is(error?.reason, reason, error?.message);
  t.regex(error?.message ?? '', says);
  t.false(error?.message.includes(key), 'the message must not contain the key');
};
const codecFails = (t: ExecutionContext, work: Promise<unknown>, says: RegExp) =>
  fails(t, work, { reason: 'CodecFailed', says });

/** A cipher in three lines of sh; openssl reads the key from the file descriptor. */
const openssl = aProgram(
  'case $1 in encrypt) way= ;; decrypt) way=-d ;; esac',
  'exec openssl enc $way -aes-256-ctr -pbkdf2 -pass fd:3',
);

const nvidia = nvidiaCommand === undefined ? [] : [["NVIDIA's own", nvidiaCommand] as const];

for (const [name, command] of [['the stand-in', standInCommand] as const, ...nvidia])
  test(`the wrapper for NVIDIA's package fulfils the contract with ${name} package`, async (t) => {
    const codec = aCodec(command);
    const etlt = await encryptEtlt(model, key, { cipher: codec, inputName: 'input_1' });
    t.is(
      etlt.length,
      4 + 'input_1'.length + 16 + model.length,
      'prefix, nonce, and as many bytes as the model',
    );
    t.deepEqual([...etlt.subarray(0, 11)], [7, 0, 0, 0, ...Buffer.from('input_1')]);
    const opened = await decryptModel(etlt, key, codec);
    t.like(opened, { container: 'etlt', inputName: 'input_1' });
    t.true(Buffer.from(opened.payload).equals(model));
    t.is((await decryptModel(await encryptTlt(model, key, { cipher: codec }), key, codec)).container, 'tlt');
    t.deepEqual(codec.warnings, []);
    await fails(t, decryptModel(etlt, 'other', codec), {
      reason: 'WrongKey',
      says: /neither ONNX nor Keras HDF5/,
    });
    await codecFails(
      t,
      codec.decrypt(new Uint8Array(3), key),
      /exit code 4: not encrypted with this cipher: Invalid nonce/,
    );
  });

test('the wrapper reports wrong arguments and a missing package', async (t) => {
  const wrapper = standInCommand.at(-1)!;
  await codecFails(
    t,
    aCodec(['python3', '-I', wrapper]).decrypt(model, key),
    /exit code 3: .*install nvidia-eff/,
  );
  await codecFails(t, aCodec(['python3', wrapper, 'twice']).decrypt(model, key), /exit code 2: usage:/);
});

test('a file encrypted by age is decrypted by age even if a codec is given', async (t) => {
  const never = aCodec([aProgram('exit 9')]);
  const tlt = await encryptTlt(model, key, { workFactor: 2 });
  t.true(Buffer.from((await decryptModel(tlt, key, never)).payload).equals(model));
  const damaged = Buffer.concat([Buffer.from('xx'), tlt]);
  await fails(t, decryptModel(damaged, key, never), { reason: 'ModelInvalid', says: /not an .etlt prefix/ });
});

test('the key is in neither argv nor the environment, and its file descriptor ends after it', async (t) => {
  const found = join(mkdtempSync(join(tmpdir(), 'tlt-codec-')), 'found');
  const program = aProgram(
    `{ tr '\\0' '\\n' </proc/self/cmdline; tr '\\0' '\\n' </proc/$$/cmdline; tr '\\0' '\\n' </proc/$$/environ; } >${found}`,
    `cat <&3 >${found}.key`,
    'exec cat',
  );
  t.deepEqual(Buffer.from(await aCodec([program, 'a b', '$HOME']).decrypt(model, key)), model);
  t.is(readFileSync(`${found}.key`, 'utf8'), key);
  const seen = readFileSync(found, 'utf8');
  t.true(seen.includes(`${program}\na b\n$HOME\ndecrypt\n`), 'the arguments arrive unchanged');
  t.false(seen.includes(key));
});

test('a program that is missing, not executable or unreachable is named', async (t) => {
  await codecFails(
    t,
    aCodec(['/no/such program']).decrypt(model, key),
    /no\/such program: the program, or the interpreter in its first line, does not exist/,
  );
  const text = join(mkdtempSync(join(tmpdir(), 'tlt-codec-')), 'text');
  writeFileSync(text, 'no program', { mode: 0o644 });
  await codecFails(t, aCodec([text]).decrypt(model, key), /it is not executable/);
  await codecFails(
    t,
    aCodec([`${text}/codec`]).decrypt(model, key),
    /it cannot be started \(spawn ENOTDIR\)/,
  );
});

test('a nonzero exit code is reported with the last line of standard error; 10 is a wrong key', async (t) => {
  const three = aCodec([aProgram('echo first >&2', 'echo the card is not plugged in >&2', 'exit 3')]);
  await codecFails(t, three.decrypt(model, key), /exit code 3: the card is not plugged in\./);
  t.is(three.warnings.length, 2);
  await fails(t, aCodec([aProgram('exit 10')]).decrypt(model, key), {
    reason: 'WrongKey',
    says: /does not decrypt it/,
  });
  await codecFails(t, aCodec([aProgram('kill -SEGV $$')]).decrypt(model, key), /killed by SIGSEGV/);
});

const isAlive = (pid: string): boolean =>
  existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

const comesTrue = async (isSo: () => boolean): Promise<boolean> => {
  for (let tries = 0; tries < 200 && !isSo(); tries++) await setTimeout(50);
  return isSo();
};

test('a program that hangs is killed with its children at the time limit or on a signal', async (t) => {
  const pids = join(mkdtempSync(join(tmpdir(), 'tlt-codec-')), 'pids');
  const program = aProgram(`sleep 600 & echo $! >${pids}`, 'wait');
  await codecFails(
    t,
    aCodec([program], { limitMs: 300 }).decrypt(model, key),
    /did not finish within 0.3 seconds/,
  );
  const child = readFileSync(pids, 'utf8').trim();
  t.true(await comesTrue(() => !isAlive(child)), 'the child process has ended');
  const signal = AbortSignal.timeout(300);
  const interrupted = aCodec([program], { signal }).decrypt(model, key);
  await fails(t, interrupted, { reason: 'Interrupted', says: /stopped before it was done/ });
  const later = aCodec([openssl], { signal }).encrypt(model, key);
  await fails(t, later, { reason: 'Interrupted', says: /stopped/ });
});

test('no output, endless output and output that is not a model are refused', async (t) => {
  await codecFails(
    t,
    aCodec([aProgram('cat >/dev/null')]).decrypt(model, key),
    /exited with code 0 but wrote nothing/,
  );
  const endless = aCodec([aProgram('exec cat /dev/zero')]);
  await codecFails(
    t,
    endless.decrypt(model, key),
    /wrote more than \d+ bytes for an input of \d+ and was stopped/,
  );
  const noise = new Uint8Array(randomBytes(4096));
  await fails(t, decryptModel(noise, key, aCodec(['base64'])), {
    reason: 'CodecFailed',
    says: /exit code 1/,
  });
  await fails(t, decryptModel(noise, key, aCodec([aProgram('exec cat')])), {
    reason: 'WrongKey',
    says: /The cipher cannot detect a wrong key/,
  });
});

test('a program may leave its input unread', async (t) => {
  const large = new Uint8Array(5_000_000);
  const answer = aCodec([aProgram('exec 0<&- 3<&-', 'echo answer')]);
  t.is(Buffer.from(await answer.decrypt(large, key)).toString(), 'answer\n');
});

const verifyCodec = (command: readonly string[]) =>
  createVerifiedCodec({ command, signal: new AbortController().signal, warn: () => {} }, key);

test('ciphertext that does not decrypt to the same bytes is refused', async (t) => {
  const oneWay = aProgram('case $1 in encrypt) exec openssl rand 500 ;; decrypt) exec cat ;; esac');
  await codecFails(t, verifyCodec([oneWay]), /does not decrypt to the same bytes/);
  await t.notThrowsAsync(verifyCodec([openssl]));
});

test('diagnostics are bounded and never contain the key', async (t) => {
  const talker = aProgram(
    'key=$(cat <&3)',
    'yes "a line that says nothing and is here for its length alone" | head -n 20000 >&2',
    'printf "\\033[31mopening with %s\\n" "$key" >&2',
    'printf %s "$key" | base64 >&2',
    'exit 5',
  );
  const codec = aCodec([talker]);
  await codecFails(t, codec.decrypt(model, key), /exit code 5: \[key\]\./);
  t.is(codec.warnings.length, 20);
  t.is(codec.warnings.at(-2), `${talker}: [31mopening with [key]`);
  t.false(codec.warnings.join('\n').includes(key));
});
test('a key that is cut at the edge of the kept diagnostics is not logged', async (t) => {
  const long = 'k'.repeat(6000);
  const codec = aCodec([
    aProgram('cat <&3 >&2', 'echo >&2', 'head -c 5000 /dev/zero | tr "\\0" x >&2', 'exit 5'),
  ]);
  await t.throwsAsync(codec.decrypt(model, long), { message: /exit code 5: x{300}\./ });
  t.false(codec.warnings.join('').includes('k'.repeat(100)));
});

test('a command is the path of one program, or a JSON array of words', (t) => {
  t.deepEqual(parseCommand('/opt/my codec'), ['/opt/my codec']);
  t.deepEqual(parseCommand(' ["python3", "a b.py", ""]'), ['python3', 'a b.py', '']);
  for (const text of ['', '[]', '["python3"', '[1]', '[""]', '["a\\u0000b"]', 'a\0b'])
    t.like(
      t.throws(() => parseCommand(text)),
      { reason: 'Usage' },
      text,
    );
});
