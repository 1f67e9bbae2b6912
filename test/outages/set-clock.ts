/**
 * Preloaded (`node --import`) into an operator of the tests: its clocks are ahead of the system's by what the test sends
 * as a message. The operator itself is the one that is shipped.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';

/** Milliseconds; a clock that is not named stays as it is. */
export type Ahead = { readonly wallMs?: number; readonly elapsedMs?: number };

const now = Date.now;
const elapsed = performance.now.bind(performance);
let ahead: Required<Ahead> = { wallMs: 0, elapsedMs: 0 };

Date.now = () => now() + ahead.wallMs;
performance.now = () => elapsed() + ahead.elapsedMs;

process.on('message', (sent: Ahead) => {
  ahead = { ...ahead, ...sent };
  process.send?.('set');
});
process.channel?.unref();
