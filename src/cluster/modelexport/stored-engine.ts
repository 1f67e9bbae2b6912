/** The built engine in status: taken from the result of its build, or kept from the status before. Pure. */
import { toArtifact } from '../../ground/contract/artifact.ts';
import { fileIn } from '../../ground/contract/layout.ts';
import type { EngineBuilt } from '../../ground/contract/result.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';

/** The status of one engine. */
export type EngineStatus = NonNullable<NonNullable<ModelExport['status']>['engines']>[number];

const storedFields = [
  'key',
  'uri',
  'sha256',
  'sizeBytes',
  'runtime',
  'hardware',
  'latency',
  'agreement',
  'integerOperators',
  'chosen',
  'evidence',
  'deployment',
] as const satisfies readonly (keyof EngineStatus)[];

/** The built engine in status. It stays while a newer one is being built. */
export type StoredEngine = Pick<EngineStatus, (typeof storedFields)[number]>;

/** Content key and folder of an engine. */
export type EnginePlace = { readonly key: string; readonly folder: string };

/** The engine that a build stored. */
export const toStoredEngine = (
  { engine, runtime, latency, agreement, integerOperators, chosen, evidence, deployment }: EngineBuilt,
  { key, folder }: EnginePlace,
  { hardware }: ObservedJob,
): StoredEngine => ({
  key,
  ...toArtifact(folder, engine),
  runtime,
  ...(hardware && { hardware }),
  ...(latency && { latency }),
  ...(agreement && { agreement }),
  ...(integerOperators !== undefined && { integerOperators }),
  ...(chosen && { chosen }),
  ...(evidence && { evidence }),
  ...(deployment && { deployment: locateFiles(folder, deployment) }),
});

/** File names of a result → their URIs in the folder. */
const locateFiles = (
  folder: string,
  files: NonNullable<EngineBuilt['deployment']>,
): NonNullable<EngineStatus['deployment']> =>
  Object.fromEntries(Object.entries(files).map(([role, name]) => [role, fileIn(folder, name)]));

/** The engine that status has; undefined if none was built yet. */
export const pickStoredEngine = (before: EngineStatus): StoredEngine | undefined => {
  if (before.uri === undefined) return undefined;
  return Object.fromEntries(
    storedFields.flatMap((field) => (before[field] === undefined ? [] : [[field, before[field]]])),
  );
};
