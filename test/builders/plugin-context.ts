/** Runs commands of `kubectl modelexport` inside the process of the test. */
import { tmpdir } from 'node:os';
import type { PluginContext } from '../../src/cluster/plugin/context.ts';
import { systemClock } from '../../src/ground/base/clock.ts';

const unexpected = (what: string) => (): never => {
  throw new Error(`the command ${what}`);
};

/** A context that discards all output, with changes. */
export const aPluginContext = (changes: Partial<PluginContext>): PluginContext => ({
  connect: unexpected('connects to a cluster'),
  parseExportLine: unexpected('parses a command line'),
  print: () => {},
  printError: () => {},
  isTerminal: false,
  hasColours: false,
  progress: () => {},
  openPage: unexpected('opens a page'),
  temporary: tmpdir(),
  clock: systemClock,
  signal: AbortSignal.timeout(120_000),
  ...changes,
});

/** For commands that run nothing in pods. */
export const noExec = unexpected('runs a command in a pod');
