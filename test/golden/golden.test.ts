/**
 * What exports leave behind is bit for bit what commit 75195d3 made, before the sources were rearranged, except where
 * changes.ts gives the commit and the reason. make-golden.ts makes the digests again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runTool } from '../builders/tool.ts';
import { changes } from './changes.ts';
import { type Digests, goldenDigests } from './digests.ts';
import type { RunTool } from './files.ts';
import { functionsNow } from './functions.ts';

const golden: { readonly digests: Digests; readonly changed: Digests } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8'),
);

const runInside =
  (cwd: string): RunTool =>
  async (tool, args) => {
    const { code, stderr } = await runTool(tool, args, { cwd });
    if (code !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
  };

let made: Digests;
test.before(async () => {
  made = await goldenDigests(functionsNow, runInside);
});

const matching = (digests: Digests, pattern: RegExp): Digests =>
  Object.fromEntries(Object.entries(digests).filter(([name]) => pattern.test(name)));

const unchanged = test.macro({
  exec: (t, pattern: RegExp, count: number) => {
    const expected = matching({ ...golden.digests, ...golden.changed }, pattern);
    t.is(Object.keys(expected).length, count);
    t.deepEqual(matching(made, pattern), expected);
  },
  title: (what) => `${what} are as the first version made them, or as a commit changed them on purpose`,
});
test('calibration caches and ranges', unchanged, /^(calibration cache|ranges) /, 12);
test('histogram files', unchanged, /^histograms of /, 2);
test('models inside .etlt files', unchanged, /^model in the \.etlt /, 7);
test('quantised and half graphs', unchanged, /^(Q\/DQ|half) graph /, 6);
test('tensorfiles', unchanged, /^tensorfile of /, 2);
test('content keys', unchanged, / key of /, 16);

test('nothing else is made, and each change has a reason that applies', (t) => {
  t.deepEqual(Object.keys(made), Object.keys(golden.digests));
  for (const name of Object.keys(golden.changed))
    t.true(
      changes.some(({ names }) => names.test(name)),
      name,
    );
  for (const { names } of changes) t.not(Object.keys(matching(golden.changed, names)).length, 0, `${names}`);
});
