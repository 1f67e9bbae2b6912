/** `tlt-export` called as a function: no process to start, and its log lines at hand. */
import { tmpdir } from 'node:os';
import { runExportCommand } from '../../src/worker/export-command.ts';

export type Exported = { readonly log: readonly string[] };

/** @throws what the tool would end with */
export const runExport = async (...args: string[]): Promise<Exported> => {
  const log: string[] = [];
  await runExportCommand(args, {
    env: {},
    print: () => {},
    log: (level, message) => void log.push(`[${level}] ${message}`),
    temporary: tmpdir(),
    clock: { now: () => performance.now() },
    progress: () => {},
    signal: new AbortController().signal,
  });
  return { log };
};
