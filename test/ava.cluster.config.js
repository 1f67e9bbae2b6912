import shared from './ava.config.js';

const { TMPDIR: _, ...environmentVariables } = shared.environmentVariables;

/** `npm run test:cluster`: kubelets, operators, installations and faults. The longest file, which mostly waits for pods, is first. */
export default {
  ...shared,
  // Kubelets mount file systems in temporary folders, and unmount them when they end.
  environmentVariables,
  files: ['test/**/*.cluster.ts'],
  sortTestFiles: (a, b) => b.includes('/e2e/') - a.includes('/e2e/') || a.localeCompare(b),
  timeout: '20m',
};
