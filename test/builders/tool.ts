/** The command-line tools as a person runs them. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..', '..');

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };
export type RunOptions = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> };

/** As many as there are usually cores; dozens at once would only wait for each other, each with its memory. */
const atOnce = 3;
let running = 0;
const waiting: (() => void)[] = [];

/** Runs `src/<tool>.ts`. The tests of a file start together, but only a few of their tools run at once. */
export const runTool = async (
  tool: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> => {
  while (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    return await ran(tool, args, options);
  } finally {
    running--;
    waiting.shift()?.();
  }
};

const ran = (tool: string, args: readonly string[], { cwd, env }: RunOptions): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'src', `${tool}.ts`), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part) => {
      stdout += part;
    });
    child.stderr.on('data', (part) => {
      stderr += part;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });

/** A folder with a key file in it. */
export const aFolder = (key = 'correct horse battery staple'): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-test-tool-'));
  writeFileSync(join(folder, 'key.txt'), `${key}\n`);
  return folder;
};
