/** `tlt-export` and `tlt-model` with an external codec on files that are encrypted like NVIDIA's. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { aCodec, aProgram, nvidiaCommand, standInCommand } from '../builders/codec.ts';
import { encryptEtlt, encryptTlt } from '../builders/encrypted.ts';
import { runExport, runModel } from '../builders/tool-context.ts';
import { imported, kerasBytes, kerasPath } from '../keras/fixtures.ts';
import { photosFolder } from '../photos/photos.ts';

const key = 'tlt_encode';
const command = nvidiaCommand ?? standInCommand;
const codec = ['--codec_command', JSON.stringify(command)];
/** The start of every UFF file: two version numbers and a descriptor. */
const uff = Buffer.concat([Buffer.from([8, 1, 16, 1, 26, 2, 8, 1]), Buffer.alloc(2000, 'graph')]);

let real: Uint8Array;
let old: Uint8Array;
test.before(async () => {
  const cipher = aCodec(command);
  real = await encryptTlt(kerasBytes('detectnet_v2'), key, { cipher });
  old = await encryptEtlt(uff, key, { cipher, inputName: 'input_1' });
});

/** A folder with real.tlt as TLT trains it (a Keras file) and old.etlt as TLT 2.0 exports it (UFF). */
const aWorkplace = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-codec-tools-'));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('key.txt'), `${key}\n`);
  writeFileSync(at('real.tlt'), real);
  writeFileSync(at('old.etlt'), old);
  const cipher = aCodec(command);
  const keyed = ['--key_file', at('key.txt')];
  return { at, cipher, keyed, read: (name: string) => readFileSync(at(name)) };
};

const fails = async (t: ExecutionContext, work: Promise<unknown>, reason: FailureReason, says: RegExp) => {
  const error = await t.throwsAsync(work);
  t.like(error, { reason }, error?.message);
  t.regex(error?.message ?? '', says);
};

test("a .tlt of TLT is exported as an .etlt with the same cipher, which contains the Keras model's ONNX", async (t) => {
  const { at, cipher, keyed, read } = aWorkplace();
  const args = ['detectnet_v2', '-m', at('real.tlt'), ...keyed, ...codec, '-o', at('out.etlt')];
  const { log } = await runExport(...args);
  t.true(log.includes(`[INFO] Converted model was saved into ${at('out.etlt')}`));
  const etlt = read('out.etlt');
  t.is(etlt.readInt32LE(), 0, 'ONNX');
  const payload = await cipher.decrypt(etlt.subarray(4), key);
  t.deepEqual(
    Buffer.from(payload),
    Buffer.from(serializeModel((await imported(kerasPath('detectnet_v2'))).model)),
  );
  t.deepEqual(cipher.warnings, []);
});

test('without a codec such a file is refused, and the message names --codec_command', async (t) => {
  const { at, keyed } = aWorkplace();
  const model = ['-m', at('real.tlt'), ...keyed, '-o', at('out.etlt')];
  await fails(t, runExport('detectnet_v2', ...model), 'ModelForeign', /--codec_command or spec\.codec/);
  const { printed } = await runModel('inspect', at('real.tlt'), ...keyed);
  t.regex(printed, /note +probably encrypted by NVIDIA's own tools: .*--codec_command/);
});

test('a wrong key and a failing codec are reported before calibration, and nothing is written', async (t) => {
  const { at, keyed } = aWorkplace();
  const int8 = [
    '--data_type',
    'int8',
    '--cal_image_dir',
    await photosFolder(),
    '--cal_cache_file',
    at('cal.bin'),
  ];
  const model = ['detectnet_v2', '-m', at('real.tlt'), '-o', at('out.etlt'), ...int8];
  await fails(t, runExport(...model, '-k', 'other', ...codec), 'WrongKey', /the key first/);
  const broken = ['--codec_command', aProgram('echo no licence >&2', 'exit 1')];
  const onnx = ['classification', '-m', at('real.tlt'), '-o', at('out.etlt'), ...int8, ...keyed];
  await fails(t, runExport(...onnx, ...broken), 'CodecFailed', /exit code 1: no licence/);
  await fails(t, runExport(...onnx, '--codec_command', '["'), 'Usage', /--codec_command/);
  t.false(existsSync(at('cal.bin')) || existsSync(at('out.etlt')));
});

test('tlt-model unpacks, converts, inspects and packs such files', async (t) => {
  const { at, cipher, keyed, read } = aWorkplace();
  const run = (...args: string[]) => runModel(...args, ...keyed, ...codec);
  await run('unpack', at('real.tlt'));
  t.true(read('real.hdf5').equals(kerasBytes('detectnet_v2')));
  await run('convert', at('real.tlt'), '-o', at('m.onnx'));
  await run('pack', at('m.onnx'), '-o', at('m.etlt'));
  t.deepEqual(Buffer.from(await cipher.decrypt(read('m.etlt').subarray(4), key)), read('m.onnx'));
  const { printed } = await run('inspect', at('m.etlt'));
  t.regex(
    printed,
    /format +unreadable, perhaps NVIDIA's cipher\n[\s\S]*content +ONNX model[\s\S]*output_cov\/Sigmoid/,
  );
  await fails(
    t,
    runModel('unpack', at('real.tlt'), '-o', at('n.hdf5'), '-k', 'x', ...codec),
    'WrongKey',
    /real\.tlt/,
  );
});

test('a UFF graph of TLT 2.0 can be unpacked, but not exported', async (t) => {
  const { at, keyed, read } = aWorkplace();
  await runModel('unpack', at('old.etlt'), ...keyed, ...codec);
  t.true(read('old.uff').equals(uff));
  const { printed } = await runModel('inspect', at('old.etlt'), ...keyed, ...codec);
  t.regex(printed, /input node +input_1\n[\s\S]*content +UFF graph[\s\S]*use the \.tlt/);
  const args = ['detectnet_v2', '-m', at('old.etlt'), ...keyed, ...codec, '-o', at('out.etlt')];
  await fails(t, runExport(...args), 'ModelUnsupported', /contains a UFF graph.*Use the \.tlt/);
});

test('a truncated file is reported as damaged, not as a wrong key', async (t) => {
  const { at, keyed, read } = aWorkplace();
  for (const share of [0.2, 0.6, 0.99]) {
    const whole = read('real.tlt');
    writeFileSync(at('cut.tlt'), whole.subarray(0, Math.floor(share * whole.length)));
    const convert = runModel('convert', at('cut.tlt'), ...keyed, ...codec);
    await fails(t, convert, 'ModelInvalid', /cut\.tlt/);
  }
});
