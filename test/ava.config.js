import { join } from 'node:path';
import { cacheFolder } from './cluster/cache.ts';

/** The whole run: files that mostly wait, for pods or for a lease to run out, go beside the others from the start. */
const isWaiting = (file) => file.endsWith('.cluster.ts') || file.endsWith('outages.test.ts');

export default {
  files: ['test/**/*.test.ts', 'test/**/*.cluster.ts'],
  sortTestFiles: (a, b) => isWaiting(b) - isWaiting(a) || a.localeCompare(b, [], { numeric: true }),
  extensions: ['ts'],
  // Every test file and every tool is a process: each would strip the types and compile the same sources anew.
  environmentVariables: { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled') },
  timeout: '20m',
  workerThreads: false,
  concurrency: 3,
};
