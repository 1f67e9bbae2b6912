/**
 * The last container of an engine pod: stores the engine, then its manifest, and reports both. Nothing that `build`
 * wrote decides what is stored where: the request comes from `stage`, in a volume that `build` cannot write; of `build`
 * come one engine under one name, which is hashed here, and a report whose every field is checked.
 */
import { join } from 'node:path';
import { UserError } from '../../ground/base/errors.ts';
import { backends } from '../../ground/contract/backends.ts';

import { findFault } from '../../ground/contract/check-schema.ts';
import { buildReportFile, workFiles } from '../../ground/contract/layout.ts';

import { type EngineBuilt, parseResult } from '../../ground/contract/result.ts';
import { resultSchemas } from '../../ground/contract/result-schema.ts';
import type { EngineTask } from '../../ground/contract/task.ts';
import { copyHanded, readHanded } from './handed-file.ts';
import { engineInputs, type StageWorld } from './stage.ts';
import { storeOnce } from './store-once.ts';

export type PublishWorld = Pick<StageWorld, 'store' | 'work' | 'built' | 'signal'>;

/** Far above any engine of these architectures; a sparse file can claim to be larger than every disk. */
const engineLimitBytes = 16 * 2 ** 30;
const reportLimitBytes = 64 * 2 ** 10;

/** @throws UserError EngineBuildFailed if the builder left no engine, DiskFull, StorageUnavailable */
export const publish = async (task: EngineTask, world: PublishWorld): Promise<EngineBuilt> => {
  const finished = await finishedBefore(world);
  if (finished) return { ...finished, reused: true };
  const facts = await reported(world);
  const { engineFile } = backends[task.backend];
  return storeOnce<EngineBuilt>(world.store, {
    wanted: { kind: 'EngineBuilt', folder: task.folder, inputs: engineInputs(task), signal: world.signal },
    files: [engineFile],
    make: async (staging, nameOf) => {
      const file = nameOf(engineFile);
      const stored = await staging.make(file, (path) => copyEngine(join(world.built, engineFile), path));
      const { name, version } = facts.runtime;
      return {
        key: task.engineKey,
        files: { [file]: stored },
        result: { kind: 'EngineBuilt', engine: { file, ...stored }, ...facts, reused: false },
        notes: [`${file} runs on ${name} ${version}; batch 1 to ${task.maxBatchSize}, ${task.dataType}`],
      };
    },
  });
};

/** What `stage` found done: its file is in a volume that only `stage` can write. */
const finishedBefore = async ({ work }: PublishWorld): Promise<EngineBuilt | undefined> => {
  const handed = { doing: 'Reading what stage found', limitBytes: reportLimitBytes };
  const bytes = await readHanded(join(work, workFiles.finished), handed);
  const result = bytes && parseResult(bytes.toString('utf8'));
  return result?.kind === 'EngineBuilt' ? result : undefined;
};

type Facts = Pick<EngineBuilt, 'runtime' | 'latency' | 'agreement'>;

/** Checked before anything is stored: what a report could not say, status could not hold. */
const reported = async ({ built }: PublishWorld): Promise<Facts> => {
  const handed = { doing: "Reading the builder's report", limitBytes: reportLimitBytes };
  const bytes = await readHanded(join(built, buildReportFile), handed);
  if (bytes === undefined) throw nothingBuilt('report');
  const { runtime, latency, agreement } = asObject(bytes) as Facts;
  const facts = { runtime, ...(latency && { latency }), ...(agreement && { agreement }) };
  for (const [name, value] of Object.entries(facts)) {
    const fault = findFault(resultSchemas.EngineBuilt.properties[name as keyof Facts], value, name);
    if (fault !== undefined)
      throw new UserError('EngineBuildFailed', `${handed.doing}: ${fault}. Correct the builder image.`);
  }
  return facts;
};

const asObject = (bytes: Buffer): object => {
  try {
    return Object(JSON.parse(bytes.toString('utf8')));
  } catch {
    return {}; // Not JSON: the check of its fields says what is missing.
  }
};

const copyEngine = async (from: string, to: string): Promise<void> => {
  const handed = { doing: 'Storing the engine', limitBytes: engineLimitBytes };
  if (!(await copyHanded(from, to, handed))) throw nothingBuilt('engine');
};

const nothingBuilt = (what: string): UserError =>
  new UserError(
    'EngineBuildFailed',
    `Storing the engine: the builder left no ${what}. Look at the log of container build.`,
  );
