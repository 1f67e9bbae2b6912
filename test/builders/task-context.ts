/** Dependencies of a container that reads data and stores artifacts, on a folder in place of a pod's mounts. */
import { join } from 'node:path';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import type { TaskContext } from '../../src/adapters/worker/task-context.ts';
import { nameFields } from '../../src/ground/contract/fields.ts';

/** `root` has one folder per claim, key.txt and spec.txt. Warnings and progress of the task are collected. */
type Heard = {
  readonly warnings: readonly string[];
  /** For example "Comparing 3/7", or "4/8" for the main work of the container. */
  readonly reports: readonly string[];
};

export const aTaskContext = (root: string): TaskContext & Heard => {
  const warnings: string[] = [];
  const reports: string[] = [];
  return {
    store: makePvcStore(root),
    keyFile: join(root, 'key.txt'),
    specFile: join(root, 'spec.txt'),
    clock: { now: () => performance.now() },
    log: (level, message) => {
      if (level === 'WARNING') warnings.push(nameFields(message, 'spec'));
    },
    progress: (done, total, activity) =>
      void reports.push(`${activity ? `${activity} ` : ''}${done}/${total}`),
    signal: new AbortController().signal,
    warnings,
    reports,
  };
};
