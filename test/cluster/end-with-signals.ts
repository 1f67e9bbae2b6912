/** For programs that start a control plane: a signal ends them by their exit handlers, which end what they started. */
import process from 'node:process';

export const endWithSignals = (): void => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
};
