/** Tools called as functions: no process to start, and their log lines at hand. */
import { tmpdir } from 'node:os';
import { runExportCommand } from '../../src/adapters/tlt-export/export-command.ts';
import { runTensorfileCommand } from '../../src/adapters/tlt-export/tensorfile-command.ts';
import type { ToolWorld } from '../../src/adapters/tlt-export/tool-world.ts';
import { runModelCommand } from '../../src/adapters/tlt-model/model-command.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { nameFields } from '../../src/ground/contract/fields.ts';

export type Told = {
  readonly log: readonly string[];
  /** Standard output. */
  readonly printed: string;
};

export type ToolCommand = (argv: readonly string[], world: ToolWorld) => Promise<void>;

/** Of models that tools write inside this process: to guess a key of the tests need not be slow. */
export const quickWorkFactor = 4;

/** A world in which nothing is said, but for the changes. */
export const aToolWorld = (changes: Partial<ToolWorld>): ToolWorld => ({
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

const running =
  (command: ToolCommand) =>
  async (argv: readonly string[], changes: Partial<ToolWorld> = {}): Promise<Told> => {
    const log: string[] = [];
    let printed = '';
    const print = (text: string): void => {
      printed += text;
    };
    const note: ToolWorld['log'] = (level, message) =>
      void log.push(`[${level}] ${nameFields(message, 'flag')}`);
    await command(argv, aToolWorld({ print, log: note, ...changes })).catch(throwWithFlagNames);
    return { log, printed };
  };

/** `tlt-int8-tensorfile`; throws what the tool would end with. */
export const runSample = running(runTensorfileCommand);

/** `tlt-export` in a world with changes. */
export const runExportIn = running(runExportCommand);
/** `tlt-export`; throws what the tool would end with. */
export const runExport = (...argv: string[]): Promise<Told> => runExportIn(argv);

/** `tlt-model`; `log` has what it complains of. Throws what the tool would end with. */
export const runModel = async (...argv: string[]): Promise<Told> => {
  const log: string[] = [];
  let printed = '';
  await runModelCommand(argv, {
    env: {},
    print: (text) => {
      printed += text;
    },
    complain: (text) => void log.push(text),
    signal: new AbortController().signal,
    workFactor: quickWorkFactor,
  });
  return { log, printed };
};
