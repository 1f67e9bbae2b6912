/** Runs the command-line tools like a user. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { formatLogLine } from '../../src/adapters/cli/log-line.ts';
import { runTool as runToCode } from '../../src/adapters/cli/run-tool.ts';
import type { ToolContext } from '../../src/adapters/cli/tool-context.ts';
import { runConverterCommand } from '../../src/adapters/tlt-converter/converter-command.ts';
import { runExportCommand } from '../../src/adapters/tlt-export/export-command.ts';
import { runTensorfileCommand } from '../../src/adapters/tlt-export/tensorfile-command.ts';
import { runModelCommand } from '../../src/adapters/tlt-model/model-command.ts';
import { aToolContext, quickWorkFactor, type ToolCommand } from './tool-context.ts';

const root = join(import.meta.dirname, '..', '..');

export type ToolRun = { readonly code: number; readonly stdout: string; readonly stderr: string };
export type RunOptions = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> };
type Streams = {
  readonly env: Readonly<Record<string, string>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
};
type Command = (args: readonly string[], context: Streams) => Promise<void>;

/** What the entry of a tool does, without ending the process. */
const withLog =
  (tool: string, run: ToolCommand): Command =>
  (args, { env, out, err }) => {
    const log: ToolContext['log'] = (level, message) =>
      level !== 'DEBUG' && err(formatLogLine(tool, new Date(), { level, message }));
    return run(args, aToolContext({ env, print: out, log }));
  };

const commands = {
  'tlt-converter': withLog('tlt-converter', runConverterCommand),
  'tlt-export': withLog('tlt-export', runExportCommand),
  'tlt-int8-tensorfile': withLog('tlt-int8-tensorfile', runTensorfileCommand),
  'tlt-model': (args, { env, out, err }) =>
    runModelCommand(args, {
      env,
      print: out,
      printError: err,
      signal: new AbortController().signal,
      random: Math.random,
      workFactor: quickWorkFactor,
    }),
} as const satisfies Record<string, Command>;
export type ToolName = keyof typeof commands;

let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs a tool inside this process, which saves the start of a process. Runs are serialised, because the working folder belongs
 * to the process.
 */
export const runTool = (
  tool: ToolName,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ToolRun> => {
  const ran = turn.then(() => runInside(tool, args, options));
  turn = ran.catch(() => {});
  return ran;
};

/** The tool does not see the environment of this process. */
const runInside = async (
  tool: ToolName,
  args: readonly string[],
  { cwd, env }: RunOptions,
): Promise<ToolRun> => {
  const said = { out: '', err: '' };
  const sayTo = (stream: 'out' | 'err') => (text: string) => {
    said[stream] += text;
  };
  const context = { env: env ?? {}, out: sayTo('out'), err: sayTo('err') };
  const before = process.cwd();
  process.chdir(cwd ?? before);
  try {
    const code = await runToCode(tool, context.err, () => commands[tool](args, context));
    return { code, stdout: said.out, stderr: said.err };
  } finally {
    process.chdir(before);
  }
};

export type ProcessOptions = {
  readonly cwd?: string;
  /** Changes to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** Runs `src/<tool>.ts` as a process of its own. */
export const runProcess = (
  tool: ToolName | 'worker' | 'send-object' | 'kubectl-modelexport',
  args: readonly string[],
  { cwd, env }: ProcessOptions = {},
): Promise<ToolRun> =>
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

/** A new folder with a key file. */
export const aFolder = (key = 'correct horse battery staple'): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-test-tool-'));
  writeFileSync(join(folder, 'key.txt'), `${key}\n`);
  return folder;
};
