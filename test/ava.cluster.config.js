/** The cluster run: real kubelets, one file at a time, each allowed minutes. */
export default {
  files: ['test/**/*.cluster.ts'],
  extensions: ['ts'],
  timeout: '20m',
  workerThreads: false,
  concurrency: 1,
  serial: true,
  verbose: true,
};
