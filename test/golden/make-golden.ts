/**
 * Entry: writes golden.json. Digests are those of commit 75195d3, whose checkout is the argument:
 *
 *     git worktree add /tmp/first 75195d3 && ln -s "$PWD/node_modules" /tmp/first/node_modules
 *     node test/golden/make-golden.ts /tmp/first
 *
 * What this version makes otherwise goes to `changed`; each such name needs a reason in changes.ts.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { changes } from './changes.ts';
import { type Digests, goldenDigests } from './digests.ts';
import type { RunTool } from './files.ts';
import { functionsNow, functionsOfFirst } from './functions.ts';

const runFrom =
  (tree: string) =>
  (folder: string): RunTool =>
  (tool, args) =>
    promisify(execFile)(process.execPath, [join(tree, 'src', `${tool}.ts`), ...args], { cwd: folder });

const [first] = process.argv.slice(2);
if (first === undefined) throw new Error('usage: make-golden.ts CHECKOUT_OF_75195d3');
const here = join(import.meta.dirname, '../..');
const digests = await goldenDigests(await functionsOfFirst(first), runFrom(first));
const now: Digests = await goldenDigests(functionsNow, runFrom(here));
const changed = Object.fromEntries(Object.entries(now).filter(([name, value]) => digests[name] !== value));
const unexplained = Object.keys(changed).filter((name) => !changes.some(({ names }) => names.test(name)));
if (unexplained.length > 0)
  throw new Error(`changed without a reason in changes.ts: ${unexplained.join(', ')}`);
writeFileSync(join(import.meta.dirname, 'golden.json'), `${JSON.stringify({ digests, changed }, null, 2)}\n`);
