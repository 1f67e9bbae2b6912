/** Calls the tools as functions, without a process, and collects their log lines. */
import { tmpdir } from 'node:os';
import type { ToolContext } from '../../src/adapters/cli/tool-context.ts';
import { runExportCommand } from '../../src/adapters/tlt-export/export-command.ts';
import { runTensorfileCommand } from '../../src/adapters/tlt-export/tensorfile-command.ts';
import { runModelCommand } from '../../src/adapters/tlt-model/model-command.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { nameFields } from '../../src/ground/contract/fields.ts';

export type ToolOutput = {
  readonly log: readonly string[];
  /** Standard output. */
  readonly printed: string;
};

export type ToolCommand = (argv: readonly string[], context: ToolContext) => Promise<void>;

/** Work factor of models that tests write: their keys need no protection. */
export const quickWorkFactor = 4;

/** Dependencies that discard all output, with changes. */
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

/** Throws the error with the message that the tool prints. */
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

/** Runs `tlt-int8-tensorfile`; throws its error. */
export const runSample = makeRunner(runTensorfileCommand);

/** Runs `tlt-export` with changed dependencies; throws its error. */
export const runExportIn = makeRunner(runExportCommand);
/** Runs `tlt-export`; throws its error. */
export const runExport = (...argv: string[]): Promise<ToolOutput> => runExportIn(argv);

/** Runs `tlt-model`; `log` has its standard error. Throws its error. */
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
    random: Math.random,
    workFactor: quickWorkFactor,
  });
  return { log, printed };
};
