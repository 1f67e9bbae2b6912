/** What a reader of the pages has: our programs on the PATH, a checkout as the current folder, a key. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { eventually, run } from '../cluster/run.ts';
import { type Block, findMissingLines, stepsOf } from './blocks.ts';

const root = join(import.meta.dirname, '..', '..');

const key = 'correct horse battery staple';

/** What a checkout has that commands name, or that npm needs to run one of its scripts. */
const checkout = [
  'crds',
  'deploy',
  'docs',
  'helm',
  'node_modules',
  'package-lock.json',
  'package.json',
  'src',
  'test',
] as const;

const tools = [
  'tlt-converter',
  'tlt-export',
  'tlt-int8-tensorfile',
  'tlt-model',
  'kubectl-modelexport',
] as const;

export type Reader = {
  /** The current folder of the commands. */
  readonly folder: string;
  /**
   * Runs all commands of a block.
   * @throws Error if one fails, or does not print what the page shows
   */
  readonly follow: (block: Block) => Promise<void>;
  readonly leave: () => void;
};

/**
 * A folder in which the commands of pages run.
 * @param programs other programs by name, with their paths
 */
export const makeReader = (
  env: Readonly<Record<string, string>>,
  programs: Readonly<Record<string, string>> = {},
): Reader => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-reader-'));
  const bin = join(folder, '.bin');
  mkdirSync(bin);
  mkdirSync(join(folder, '.local', 'bin'), { recursive: true });
  for (const name of checkout) symlinkSync(join(root, name), join(folder, name));
  for (const name of tools) {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'src', name)}.ts" "$@"\n`);
    chmodSync(path, 0o755);
  }
  for (const [name, path] of Object.entries(programs)) symlinkSync(path, join(bin, name));
  writeFileSync(join(folder, 'key.txt'), `${key}\n`);
  const all = { HOME: folder, KEY: key, NO_COLOR: '1', ...env, PATH: `${bin}:${process.env.PATH}` };
  return {
    folder,
    follow: async (block) => {
      for (const { command, output } of stepsOf(block)) {
        const place = { cwd: folder, env: all };
        if (output === undefined) {
          await run('bash', ['-euo', 'pipefail', '-c', `exec 2>&1; ${command}`], place);
          continue;
        }
        const onTerminal = ['--quiet', '--command', 'bash shown', '/dev/null'];
        if (output.trim() === '') onTerminal.unshift('--return');
        writeFileSync(join(folder, 'shown'), `stty columns 400\n${command}`);
        const printed = new Set<string>();
        const requireLines = async (): Promise<true> => {
          const answer = await run('script', onTerminal, place);
          printed.add(answer);
          if (findMissingLines(output, answer).length === 0) return true;
          throw new Error(tellMissing(output, [...printed]));
        };
        await eventually(`${block.page}: ${command}`, requireLines, 10_000);
      }
    },
    leave: () => rmSync(folder, { recursive: true, force: true }),
  };
};

/** Controllers may still be on the way to what the page shows, so there may be several answers; the last one lacks these lines. */
const tellMissing = (output: string, answers: readonly string[]): string =>
  `does not print\n${findMissingLines(output, answers.at(-1)!).join('\n')}\nbut\n${answers.join('\nand then\n')}`;
