/** Tools called as functions: no process to start, and their log lines at hand. */
import { tmpdir } from 'node:os';
import { runExportCommand } from '../../src/adapters/tlt-export/export-command.ts';
import { runTensorfileCommand } from '../../src/adapters/tlt-export/tensorfile-command.ts';
import type { ToolContext } from '../../src/adapters/tlt-export/tool-context.ts';
import { runModelCommand } from '../../src/adapters/tlt-model/model-command.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { nameFields } from '../../src/ground/contract/fields.ts';

export type ToolOutput = {
  readonly log: readonly string[];
  /** Standard output. */
  readonly printed: string;
};

export type ToolCommand = (argv: readonly string[], context: ToolContext) => Promise<void>;

/** Of models that tools write inside this process: to guess a key of the tests need not be slow. */
export const quickWorkFactor = 4;

/** A world in which nothing is said, but for the changes. */
export const aToolContext = (changes: Partial<ToolContext>): ToolContext => ({
  env: {},
  print: () => {},
  log: () => {},
  temporary: tmpdir(),
  clock: { now: () => performance.now() },
  progress: () => {},
  signal: new AbortController().signal,
  workFactor: quickWorkFactor,
  ...changes,
});

/** The error as the tool prints it. */
const throwWithFlagNames = (thrown: unknown): never => {
  if (!(thrown instanceof UserError)) throw thrown;
  throw new UserError(thrown.reason, nameFields(thrown.message, 'flag'), { cause: thrown });
};

const makeRunner =
  (command: ToolCommand) =>
  async (argv: readonly string[], changes: Partial<ToolContext> = {}): Promise<ToolOutput> => {
    const log: string[] = [];
    let printed = '';
    const print = (text: string): void => {
      printed += text;
    };
    const note: ToolContext['log'] = (level, message) =>
      void log.push(`[${level}] ${nameFields(message, 'flag')}`);
    await command(argv, aToolContext({ print, log: note, ...changes })).catch(throwWithFlagNames);
    return { log, printed };
  };

/** `tlt-int8-tensorfile`; throws what the tool would end with. */
export const runSample = makeRunner(runTensorfileCommand);

/** `tlt-export` in a world with changes. */
export const runExportIn = makeRunner(runExportCommand);
/** `tlt-export`; throws what the tool would end with. */
export const runExport = (...argv: string[]): Promise<ToolOutput> => runExportIn(argv);

/** `tlt-model`; `log` has what it complains of. Throws what the tool would end with. */
export const runModel = async (...argv: string[]): Promise<ToolOutput> => {
  const log: string[] = [];
  let printed = '';
  await runModelCommand(argv, {
    env: {},
    print: (text) => {
      printed += text;
    },
    printError: (text) => void log.push(text),
    signal: new AbortController().signal,
    workFactor: quickWorkFactor,
  });
  return { log, printed };
};
