import { join } from 'node:path';
import { cacheFolder } from './cluster/cache.ts';

/** The whole run: the file with the cluster, which mostly waits for pods, goes beside the others from the start. */
const isCluster = (file) => file.endsWith('.cluster.ts');

export default {
  files: ['test/**/*.test.ts', 'test/**/*.cluster.ts'],
  sortTestFiles: (a, b) => isCluster(b) - isCluster(a) || a.localeCompare(b, [], { numeric: true }),
  extensions: ['ts'],
  // Every test file and every tool is a process: each would strip the types and compile the same sources anew.
  environmentVariables: { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled') },
  timeout: '20m',
  workerThreads: false,
  concurrency: 3,
};
