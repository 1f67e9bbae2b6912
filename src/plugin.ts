/** The process of the kubectl plugin: parses the command line, connects by kubeconfig, runs one command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { Registry } from 'prom-client';
import { parseCommandLine, usageError } from './adapters/cli/command-line.ts';
import { formatSubcommandsHelp } from './adapters/cli/help-text.ts';
import { runTool } from './adapters/cli/run-tool.ts';
import { parseKeepFloat, parseModelSettings } from './adapters/tlt-export/model-flags.ts';
import { pluginCommands } from './cluster/plugin/commands.ts';
import type { Given, PluginContext } from './cluster/plugin/context.ts';
import { pluginFieldManager } from './cluster/plugin/write.ts';
import { ApiError } from './cluster/runtime/api-error.ts';
import { systemClock } from './ground/base/clock.ts';
import { UserError } from './ground/base/errors.ts';
import { suggestWord } from './ground/base/nearest.ts';
import type { Architecture } from './ground/contract/architectures.ts';
import { pluginName } from './ground/contract/plugin-flags.ts';
import { type PluginCommand, type PluginValues, pluginPrograms } from './ground/contract/plugin-programs.ts';
import type { Program } from './ground/contract/program.ts';
import { exportProgram } from './ground/contract/programs.ts';
import { makeProgresses } from './ground/observability/progress.ts';

const heading = {
  name: pluginName,
  summary: 'Shows and controls ModelExports.',
  note: 'The plugin acts with the permissions of your kubeconfig, and never reads Secrets.',
};

const commandNames = Object.keys(pluginPrograms) as readonly PluginCommand[];

const connect: PluginContext['connect'] = async ({ kubeconfig: file, context }) => {
  // Takes half a second to load, which commands without a cluster do not need.
  const [{ openKubeconfig }, { makeClient }, { restMetrics }] = await Promise.all([
    import('./cluster/runtime/kubeconfig.ts'),
    import('./cluster/runtime/client.ts'),
    import('./ground/observability/metrics.ts'),
  ]);
  const { connection, namespace = 'default', makeExec } = openKubeconfig({ file, context });
  const metrics = restMetrics(new Registry());
  return {
    client: makeClient({ connection, clock: systemClock, metrics, manager: pluginFieldManager }),
    namespace,
    exec: makeExec(systemClock),
  };
};

/** The program of each platform that opens a file in the application of the user. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
  linux: ['xdg-open'],
};

/** Long enough to see that the program fails; a browser that it starts can run longer. */
const openedMs = 2000;

const openPage: PluginContext['openPage'] = async (path) => {
  const [program, ...args] = openers[process.platform] ?? openers.linux!;
  const child = spawn(program!, [...args, path], { stdio: 'ignore', detached: true });
  const ended = once(child, 'exit').then(
    ([code]) => code === 0,
    () => false, // The platform has no such program.
  );
  child.unref();
  return Promise.race([ended, systemClock.sleep(openedMs).then(() => true)]);
};

/** The same parsers as in `tlt-export`. */
const parseExportLine: PluginContext['parseExportLine'] = ([tool, ...words]) => {
  if (tool !== exportProgram.name)
    throw usageError(
      { name: `${pluginName} convert` },
      `the command line after -- must start with ${exportProgram.name}`,
    );
  const line = parseCommandLine(exportProgram, words);
  if (line.help !== undefined) throw usageError({ name: `${pluginName} convert` }, '--help is no export');
  const { operands, values } = line;
  return {
    architecture: operands[0] as Architecture,
    values,
    settings: parseModelSettings(values),
    keepFloat: parseKeepFloat(values),
  };
};

/** Aborts at a signal, and when the reader of the output ends, as in `kubectl modelexport watch … | head`. */
const makeStop = (): AbortSignal => {
  const stop = new AbortController();
  const abort = (why: string) => stop.abort(new UserError('Interrupted', why));
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => abort(`Stopped by ${signal}.`));
  process.stdout.on('error', (error) => abort(`Writing the output: ${error.message}.`));
  return stop.signal;
};

const findCommand = (word: string | undefined): PluginCommand => {
  const known = commandNames.find((name) => name === word);
  if (known !== undefined) return known;
  const near = word === undefined ? undefined : suggestWord(word, commandNames);
  const found = word === undefined ? 'name a command' : `unknown command '${word}'`;
  throw usageError(
    { name: pluginName },
    `${found}${near === undefined ? '' : ` (did you mean ${near}?)`}: ${commandNames.join(', ')}`,
  );
};

const runCommand = async <C extends PluginCommand>(
  name: C,
  argv: readonly string[],
  context: PluginContext,
): Promise<void> => {
  const line = parseCommandLine(pluginPrograms[name] as Program, argv);
  if (line.help !== undefined) return context.print(line.help);
  await pluginCommands[name](line as unknown as Given<PluginValues<C>>, context);
};

const run = async (argv: readonly string[], context: PluginContext): Promise<void> => {
  const [word, ...rest] = argv;
  if (word === '-h' || word === '--help' || word === 'help')
    return context.print(formatSubcommandsHelp(heading, Object.values<Program>(pluginPrograms)));
  try {
    await runCommand(findCommand(word), rest, context);
  } catch (thrown) {
    if (thrown instanceof ApiError) throw explainRefusal(thrown);
    throw thrown;
  }
};

/** A refusal of the apiserver is no defect of the plugin: the message is the apiserver's, and the exit code 1, as in kubectl. */
const explainRefusal = (error: ApiError): UserError =>
  new UserError('Internal', `Asking the apiserver: ${error.message}`, { cause: error });

/** Runs the command of this process's arguments, and sets its exit code. */
export const runPlugin = async (): Promise<void> => {
  const { argv, env, stdout, stderr } = process;
  const isTerminal = stdout.isTTY === true;
  const bars = makeProgresses({
    label: 'fetching',
    terminal: stderr.isTTY === true,
    stream: stderr,
    now: Date.now,
  });
  const context: PluginContext = {
    connect,
    parseExportLine,
    print: (text) => void stdout.write(text),
    printError: (text) => void stderr.write(text),
    isTerminal,
    hasColours: isTerminal && !env.NO_COLOR,
    progress: bars.update,
    openPage,
    temporary: tmpdir(),
    clock: systemClock,
    signal: makeStop(),
  };
  const code = await runTool(
    pluginName,
    (text) => void stderr.write(text),
    () => run(argv.slice(2), context),
  );
  bars.stop(); // Restores the cursor of the terminal.
  process.exitCode = code;
};
