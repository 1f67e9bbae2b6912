/** How many pixels are decoded at a time, by the turns themselves and in a process whose memory is limited. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decodeImage } from '../../src/data/preprocessing/decode.ts';
import { PixelTurn } from '../../src/data/preprocessing/pixel-turns.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { makeGroup, runBounded } from '../bombs/cgroup.ts';
import { png } from '../bombs/png.ts';

const mega = 1e6;

test.serial('four ordinary pictures at once; a large one alone, and not overtaken', async (t) => {
  const log: string[] = [];
  const begin = async (name: string, pixels: number): Promise<PixelTurn> => {
    const turn = new PixelTurn();
    await turn.take(pixels);
    log.push(name);
    return turn;
  };
  const photos = await Promise.all(['a', 'b', 'c', 'd'].map((name) => begin(name, 6 * mega)));
  const large = begin('large', 100 * mega);
  const small = begin('small', 1);
  for (const photo of photos) {
    t.deepEqual(log, ['a', 'b', 'c', 'd'], 'the large one waits for all, and what came later for it');
    photo[Symbol.dispose]();
    await new Promise(setImmediate);
  }
  t.deepEqual(log, ['a', 'b', 'c', 'd', 'large']);
  (await large)[Symbol.dispose]();
  (await small)[Symbol.dispose]();
  t.is(log.at(-1), 'small');
});

test.serial('a picture that is broken gives its turn back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-turns-'));
  const path = join(folder, 'cut.png');
  writeFileSync(path, png({ width: 6000, height: 5000 }).subarray(0, 2000));
  const size = { width: 8, height: 8, channels: 3 } as const;
  for (let n = 0; n < 3; n++) await t.throwsAsync(decodeImage(path, size), { instanceOf: UserError });
});

test('a picture whose stretching would take gigabytes on the way is refused', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'tlt-turns-')), 'high.png');
  writeFileSync(path, png({ width: 1, height: 2_000_000 }));
  const error = await t.throwsAsync(decodeImage(path, { width: 224, height: 224, channels: 3 }), {
    instanceOf: UserError,
    message: /high\.png: resized to 224 columns, its 2000000 rows exceed 100 megapixels/,
  });
  t.is(error.reason, 'ImageInvalid');
});

const group = makeGroup(600);
(group === undefined ? test.skip : test.serial)(
  'four pictures of 64 megapixels are decoded in 600 MiB: one takes 300, four at once 900',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tlt-turns-'));
    const path = join(folder, 'large.png');
    writeFileSync(path, png({ width: 8000, height: 8000 }));
    const source = join(import.meta.dirname, '../../src/data/preprocessing/decode.ts');
    const code = `
      const { decodeImage } = await import(${JSON.stringify(source)});
      const size = { width: 64, height: 64, channels: 3 };
      const decoded = await Promise.all([1, 2, 3, 4].map(() => decodeImage(${JSON.stringify(path)}, size)));
      process.exitCode = decoded.every(({ data }) => data.length === 64 * 64 * 3) ? 0 : 1;`;
    const args = ['--input-type=module', '--eval', code];
    const { exitCode, killed, peakMiB, stderr } = await runBounded(args, { memoryMiB: 600, seconds: 200 });
    t.is(killed, 0);
    t.is(exitCode, 0, stderr);
    t.log(`${peakMiB} MiB`);
  },
);
