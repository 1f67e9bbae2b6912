import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { cacheFolder } from './cluster/cache.ts';

/** Holds what the tests leave, several hundred folders, until all have ended. */
const temporary = mkdtempSync(join(tmpdir(), 'tlt-tests-'));
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));

/** `npm test`: everything that needs no kubelet, no operator on a control plane and no minutes. */
export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  // Every test file and every tool is a process: each would strip the types and compile the same sources anew.
  environmentVariables: { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled'), TMPDIR: temporary },
  timeout: '10m',
  workerThreads: false,
  concurrency: 3,
};
