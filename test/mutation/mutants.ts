/** Lists the mutants of a file: Stryker's mutators, without the rest of Stryker. */
import { readFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

/** One change to a file. Offsets are in UTF-16 units. */
export type Mutant = {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly replacement: string;
};

type Position = { readonly line: number; readonly column: number };
type StrykerMutant = {
  readonly location: { readonly start: Position; readonly end: Position };
  readonly replacement: string;
};
type Source = { readonly name: string; readonly content: string; readonly mutate: true };
type Instrumenter = {
  instrument(
    sources: readonly Source[],
    options: object,
  ): Promise<{ readonly mutants: readonly StrykerMutant[] }>;
};

const manifest = ['package.json', 'package-lock.json'];

/** Installs the pinned packages outside the clone, once. */
const installStryker = (): Promise<string> =>
  cached(`mutation-${digestOf(import.meta.dirname, manifest)}`, async (path) => {
    await mkdir(path);
    for (const name of manifest) await cp(join(import.meta.dirname, name), join(path, name));
    await run('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: path,
      label: 'installing Stryker (first run only)',
    });
  });

/** Lists the mutants of files, by all of Stryker's mutators. */
export const listMutants = async (root: string, files: readonly string[]): Promise<readonly Mutant[]> => {
  const folder = await installStryker();
  const entry = join(folder, 'node_modules/@stryker-mutator/instrumenter/dist/src/index.js');
  const { Instrumenter } = await import(pathToFileURL(entry).href);
  const silent = { isDebugEnabled: () => false, debug: () => {}, info: () => {}, warn: console.warn };
  const instrumenter: Instrumenter = new Instrumenter(silent);
  const all: Mutant[] = [];
  for (const file of files) {
    const content = readFileSync(join(root, file), 'utf8');
    const options = { ignorers: [], excludedMutations: [], plugins: null, noHeader: false };
    const { mutants } = await instrumenter.instrument([{ name: file, content, mutate: true }], options);
    const offsetOf = offsetsIn(content);
    for (const { location, replacement } of mutants)
      all.push({
        file,
        line: location.start.line + 1,
        from: offsetOf(location.start),
        to: offsetOf(location.end),
        replacement,
      });
  }
  return all;
};

const offsetsIn = (text: string): ((position: Position) => number) => {
  const starts = [0];
  for (const line of text.split('\n')) starts.push(starts.at(-1)! + line.length + 1);
  return ({ line, column }) => starts[line]! + column;
};
