/** Every block of commands in a page is run by another test, or checked here as far as it can be; none is forgotten. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { helmBinary } from '../cluster/go-tools.ts';
import { type Block, blocksOf, findMissingLines, pages, stepsOf } from './blocks.ts';
import { findProblems } from './check-commands.ts';
import { splitCommands } from './shell-words.ts';
import { findWay, ways } from './ways.ts';

const blocks = pages.flatMap(blocksOf).filter((block) => stepsOf(block).length > 0);

const startOf = ({ page, text }: Block): string => `${page}: ${text.trim().split('\n')[0]}`;

test('the shell of the pages is split into commands', (t) => {
  const text = `a --b 'c d' "e $(f g)"  # comment\n  KEY=1 b -o "x" \\\n  > out && c 2>&1 | d; source <(e f)`;
  t.deepEqual(splitCommands(text), [
    ['a', '--b', 'c d', 'e $(f g)'],
    ['b', '-o', 'x'],
    ['c'],
    ['d'],
    ['source'],
    ['e', 'f'],
  ]);
  t.throws(() => splitCommands("cat 'open"), { message: /syntax/ });
});

test('shown output is compared without numbers and digests, in order', (t) => {
  const printed = 'a 17   s\nkey 0123456789abcdef\nlast\n';
  t.deepEqual(findMissingLines('a 3 s\n…\nlast\n', printed), []);
  t.deepEqual(findMissingLines('key fedcba9876543210\na 1 s\n', printed), ['a 1 s']);
  t.deepEqual(findMissingLines('k…f\nl…\n', 'key (f\nlast\n'), []);
  t.deepEqual(findMissingLines('k…f\n', 'key (f)\n'), ['k…f']);
});

test('every block of commands has one way in which it is tested', (t) => {
  t.true(blocks.length > 50);
  t.deepEqual(blocks.filter((block) => findWay(block) === undefined).map(startOf), []);
});

test('the table of ways has no entry without a block', (t) => {
  const used = new Set(blocks.map(findWay));
  const unused = Object.entries(ways).flatMap(([page, rows]) =>
    rows.filter((row) => !used.has(row)).map(([part]) => `${page}: ${part}`),
  );
  t.deepEqual(unused, []);
});

test('a test that runs the words of a page names the page', (t) => {
  const root = join(import.meta.dirname, '..', '..');
  for (const block of blocks) {
    const way = findWay(block)?.[1];
    if (typeof way !== 'object' || !('by' in way)) continue;
    t.true(readFileSync(join(root, way.by), 'utf8').includes(block.page), startOf(block));
  }
});

test('commands that no test runs name programs, flags and files that exist', async (t) => {
  await helmBinary();
  for (const block of blocks) {
    const way = findWay(block)?.[1];
    if (typeof way !== 'object' || 'by' in way) continue;
    if ('checked' in way) t.true(way.checked.length > 20, 'the reason is stated');
    else t.deepEqual(await findProblems(way.command), [], 'the command exists');
    for (const { command } of stepsOf(block)) t.deepEqual(await findProblems(command), [], startOf(block));
  }
});
