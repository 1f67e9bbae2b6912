import { join } from 'node:path';
import { cacheFolder } from './cluster/cache.ts';

/** `npm test`: everything that needs no kubelet, no operator on a control plane and no minutes. */
export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  // Every test file and every tool is a process: each would strip the types and compile the same sources anew.
  environmentVariables: { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled') },
  timeout: '10m',
  workerThreads: false,
  concurrency: 3,
};
