/** The commands of a page of docs/, run as a reader would run them. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from '../cluster/run.ts';

const root = join(import.meta.dirname, '..', '..');

export type Shell = {
  /** Holds the programs below by name. */
  readonly folder: string;
  readonly programs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
};

/** Runs blocks of commands in the root of the repository; returns what a block printed, and throws if a command fails. */
export const makeShell = ({ folder, programs, env }: Shell): ((block: string) => Promise<string>) => {
  for (const [name, path] of Object.entries(programs)) symlinkSync(path, join(folder, name));
  const path = `${folder}:${process.env.PATH}`;
  return (block) =>
    run('bash', ['-euo', 'pipefail', '-c', block], { cwd: root, env: { ...env, PATH: path } });
};
