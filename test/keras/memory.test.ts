/** Peak memory for a large model, measured by the operating system in a separate process. */
import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { encryptTlt } from '../../src/formats/crypto/encrypted-model.ts';
import { openReadable } from '../../src/ground/base/readable.ts';
import { writeWholeFile } from '../../src/ground/base/whole-file.ts';
import { aLayer, aNetwork, anInput, kerasPath, newPath, writeKeras } from './fixtures.ts';

const layers = Array.from({ length: 8 }, (_, i) => `dense_${i}`);
const side = 2048;
const mebibytes = (layers.length * side * side * 4) / 2 ** 20;

const aLargeModel = (): Promise<string> => {
  const input = anInput([side]);
  const names = [input.name, ...layers];
  const chain = layers.map((name, i) =>
    aLayer('Dense', name, { config: { units: side, use_bias: false }, from: [names[i]] }),
  );
  const weights = Object.fromEntries(layers.map((name) => [name, { kernel: [side, side] }]));
  return writeKeras({ network: aNetwork(input, ...chain), weights });
};

const key = 'correct horse battery staple';
const sources = join(import.meta.dirname, '../../src');

/** Peak memory in MiB of a process that converts the file to ONNX and to `.etlt`. */
const peakOf = async (path: string): Promise<number> => {
  const request = { path, key, etlt: `${path}.etlt` };
  const code = `
    const { readContent } = await import('${sources}/export/models/model-content.ts');
    const { encryptEtlt } = await import('${sources}/formats/crypto/encrypted-model.ts');
    const { writeWholeFile } = await import('${sources}/ground/base/whole-file.ts');
    const { readableBytes } = await import('${sources}/ground/base/readable.ts');
    const { path, key, etlt } = ${JSON.stringify(request)};
    const { payload } = await readContent({ path, key: async () => key });
    await writeWholeFile(etlt, await encryptEtlt(readableBytes(payload), key), { overwrite: true });
    console.log(process.resourceUsage().maxRSS / 1024);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]);
  return Number(stdout);
};

const locked = async (path: string): Promise<string> => {
  using file = openReadable(path);
  await writeWholeFile(`${path}.tlt`, await encryptTlt(file, key, { workFactor: 2 }), { overwrite: true });
  return `${path}.tlt`;
};

test('peak memory is below twice the weights, encrypted or not', async (t) => {
  const small = newPath();
  copyFileSync(kerasPath('squeezenet'), small);
  const base = await peakOf(small);
  const large = await aLargeModel();
  for (const path of [large, await locked(large)]) {
    const more = (await peakOf(path)) - base;
    t.true(more > mebibytes, `${more} MiB`);
    t.true(more < 2 * mebibytes, `${more} MiB for weights of ${mebibytes} MiB`);
    t.log(`${Math.round(more)} MiB for weights of ${mebibytes} MiB`);
  }
});
