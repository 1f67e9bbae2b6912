/**
 * For programs that start a control plane: on a signal, the process exits through its exit handlers, which stop what it
 * started.
 */
import process from 'node:process';

export const endWithSignals = (): void => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
};
