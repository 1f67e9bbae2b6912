/**
 * Entry of a thread: runs test files for one mutant after the other, with the part of ava's API that they use, and stops at the
 * first failure. ava would start processes and compile everything for each of a thousand mutants; here a mutant costs what its
 * tests cost. Every module of the project is loaded again for each mutant.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Mutant } from './mutants.ts';

export type Task = { readonly mutant?: Mutant; readonly tests: readonly string[] };
/** `invalid`: the changed file is no valid source. */
export type Answer = { readonly fate: 'killed' | 'survived' | 'invalid'; readonly why?: string };

const { root } = workerData as { readonly root: string };
const rootUrl = `${pathToFileURL(root).href}/`;
const standIn = pathToFileURL(join(import.meta.dirname, 'ava.ts')).href;
let round = 0;
let mutated: { readonly url: string; readonly source: string } | undefined;

/** Generated code has no state, and takes longest to load. */
const isFresh = (url: string): boolean =>
  url.startsWith(rootUrl) && !url.includes('/node_modules/') && !url.includes('/generated/');

const stripped = new Map<string, string>();
const sourceOf = (url: string): string => {
  const known = stripped.get(url) ?? stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'));
  stripped.set(url, known);
  return known;
};

registerHooks({
  resolve: (specifier, context, next) => {
    const found = specifier === 'ava' ? { url: standIn, shortCircuit: true } : next(specifier, context);
    const [url = ''] = found.url.split('?');
    return isFresh(url) ? { ...found, url: `${url}?${round}` } : found;
  },
  load: (url, context, next) => {
    const [file = ''] = url.split('?');
    if (!isFresh(file) || !file.endsWith('.ts')) return next(url, context);
    const source = file === mutated?.url ? mutated.source : sourceOf(file);
    return { format: 'module', source, shortCircuit: true };
  },
});

const { default: fc } = await import('fast-check');
// The same values in each run, so that the same mutants survive; no search for a smaller counterexample.
fc.configureGlobal({ seed: 1, numRuns: 10, endOnFailure: true });

const mutate = ({ file, from, to, replacement }: Mutant): typeof mutated => {
  const path = join(root, file);
  const text = readFileSync(path, 'utf8');
  return {
    url: pathToFileURL(path).href,
    source: stripTypeScriptTypes(text.slice(0, from) + replacement + text.slice(to)),
  };
};

const runTests = async (tests: readonly string[]): Promise<Answer> => {
  try {
    for (const file of tests) await import(`${pathToFileURL(join(root, file)).href}?${round}`);
    const ava = (await import(`${standIn}?${round}`)) as typeof import('./ava.ts');
    await ava.runTests();
    return { fate: 'survived' };
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? `: ${thrown.cause.message}` : '';
    return { fate: 'killed', why: `${thrown}${cause}` };
  }
};

const judge = async ({ mutant, tests }: Task): Promise<Answer> => {
  round += 1;
  try {
    mutated = mutant && mutate(mutant);
  } catch {
    return { fate: 'invalid' };
  }
  return runTests(tests);
};

parentPort?.on('message', async (task: Task) => parentPort?.postMessage(await judge(task)));
