/** Readers of text: calibration caches, specs, tasks, termination messages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectSpec } from '../../src/adapters/inspect/inspect-spec.ts';
import { parseCalibrationCache, writeCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { parseTask } from '../../src/ground/contract/parse-task.ts';
import { anEngineBuilt, anExported, aTensorfileWritten } from '../builders/objects.ts';
import { decideOn } from './decided.ts';
import { mutateJson, mutateText } from './mutate.ts';
import type { Target } from './targets.ts';

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const specs = join(import.meta.dirname, '..', 'fixtures', 'specs');

const cache = writeCalibrationCache({
  version: 8601,
  algorithmWord: 'EntropyCalibration2',
  scales: new Map([
    ['input_1', 0.0078],
    ['conv1/BiasAdd: with a colon', 1e-30],
    ['predictions', 3.5],
  ]),
});

const exportTask = {
  architecture: 'classification',
  model: { uri: 'pvc://models/m.onnx', sha256: 'ab'.repeat(32) },
  dataType: 'fp32',
  forcePtq: false,
  exportKey: 'k',
  folder: 'pvc://exports/out/k',
};

export const textTargets: Readonly<Record<string, Target>> = {
  'calibration cache': {
    seeds: async () => [bytesOf(cache)],
    mutate: mutateText,
    read: (bytes) => parseCalibrationCache(textOf(bytes)),
  },
  'experiment spec': {
    seeds: async () => readdirSync(specs).map((name) => new Uint8Array(readFileSync(join(specs, name)))),
    mutate: mutateText,
    read: (bytes) => inspectSpec(textOf(bytes), 'spec.txt'),
  },
  task: {
    seeds: async () => [bytesOf(JSON.stringify(exportTask))],
    mutate: mutateJson,
    read: (bytes) => parseTask(textOf(bytes)),
  },
  'termination message, and the decision on it': {
    seeds: async () =>
      [anExported(), anEngineBuilt(), aTensorfileWritten()].map((result) => bytesOf(JSON.stringify(result))),
    mutate: mutateJson,
    read: (bytes) => decideOn(textOf(bytes)),
  },
};
