/** Memory of a large model, counted by the operating system in a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { aLayer, aNetwork, anInput, kerasPath, writeKeras } from './fixtures.ts';

const layers = Array.from({ length: 8 }, (_, i) => `dense_${i}`);
const side = 2560;
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

/** MiB that a process had at most, which turned the file into ONNX and did nothing else. */
const peakOf = async (path: string): Promise<number> => {
  const source = join(import.meta.dirname, '../../src/checkpoints/keras-model.ts');
  const code = `
    const { openKeras } = await import(${JSON.stringify(source)});
    await openKeras({ path: ${JSON.stringify(path)} });
    console.log(process.resourceUsage().maxRSS / 1024);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]);
  return Number(stdout);
};

test('the weights are in memory less than twice', async (t) => {
  const small = await peakOf(kerasPath('squeezenet'));
  const large = await peakOf(await aLargeModel());
  t.true(large - small > mebibytes, `${large} and ${small} MiB`);
  t.true(large - small < 2 * mebibytes, `${large} and ${small} MiB for weights of ${mebibytes} MiB`);
  t.log(`${Math.round(large - small)} MiB for weights of ${mebibytes} MiB`);
});
