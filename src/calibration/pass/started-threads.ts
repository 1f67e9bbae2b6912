/** Starts the threads of a calibration before there is a network to calibrate. */
import { availableParallelism } from 'node:os';
import { CalibrationWorker } from './calibration-worker.ts';

/** Each thread holds a copy of the weights and the tensors of the largest segment. */
const maxThreads = 4;

const started: CalibrationWorker[] = [];

/** Threads of a pass: as many as processors, at most four. */
export const countThreads = (): number => Math.min(maxThreads, availableParallelism());

/**
 * Starts the threads of the next pass of this process, which load their modules while the caller loads its own and opens a model. They do not keep
 * the process alive if there is no pass.
 */
export const startThreads = (): void => {
  while (started.length < countThreads()) started.push(new CalibrationWorker());
};

/** Threads for one pass: those that were started, and new ones. */
export const takeThreads = (count: number): readonly CalibrationWorker[] =>
  Array.from({ length: count }, () => started.pop() ?? new CalibrationWorker());
