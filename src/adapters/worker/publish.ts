/**
 * The last container of an engine pod: stores the engine, then its manifest, and reports the result. The `build` container may
 * run an untrusted image, so it does not decide what is stored where. It provides one engine with a fixed name, which is
 * hashed here, and a report, of which every field is checked. Whether the engine is already stored is read from a volume
 * that only `stage` can write.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeploymentTexts } from '../../export/deployment/deployment-files.ts';
import { UserError } from '../../ground/base/errors.ts';
import { backends } from '../../ground/contract/backends.ts';
import { findFault } from '../../ground/contract/check-schema.ts';
import { buildReportFile, workFiles } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import { type EngineBuilt, parseResult } from '../../ground/contract/result.ts';
import { resultSchemas } from '../../ground/contract/result-schema.ts';
import type { BuildReport, EngineTask } from '../../ground/contract/task.ts';
import type { Staging } from '../storage/store.ts';
import { summariseEvidence } from './build-evidence.ts';
import { listDeploymentNames, makeDeployment, nameDeployment } from './deployment.ts';
import { listEngineInputs, type StageContext } from './stage.ts';
import { storeOnce } from './store-once.ts';
import type { TaskContext } from './task-context.ts';
import { storeTimingCache } from './timing-caches.ts';
import { copyUntrusted, readUntrusted } from './untrusted-file.ts';

/** Dependencies of `publish`. */
export type PublishContext = Pick<StageContext, 'store' | 'work' | 'built' | 'signal'> &
  Pick<TaskContext, 'log'>;

/** Far more than any engine of these architectures has. The limit rejects sparse files that claim to be larger than the disk. */
const engineLimitBytes = 16 * 2 ** 30;
const reportLimitBytes = 64 * 2 ** 10;

/**
 * Stores the built engine, or returns the result that `stage` found.
 * @throws UserError EngineBuildFailed if the builder wrote no engine or an invalid report, DiskFull, StorageUnavailable
 */
export const publish = async (task: EngineTask, context: PublishContext): Promise<EngineBuilt> => {
  const finished = await readFinishedResult(context);
  if (finished) return { ...finished, reused: true };
  const report = await readReport(context);
  const result = await storeEngine(task, report, context);
  const refused = task.timings && (await storeTimingCache(task.timings, context, listTimingCaches(report)));
  if (refused) context.log('WARNING', `The timing cache is not stored. ${refused}`);
  return result;
};

const storeEngine = (task: EngineTask, report: Report, context: PublishContext): Promise<EngineBuilt> => {
  const { facts } = report;
  const { engineFile } = backends[task.backend];
  return storeOnce<EngineBuilt>(context.store, {
    identity: {
      kind: 'EngineBuilt',
      folder: task.folder,
      inputs: listEngineInputs(task),
      signal: context.signal,
    },
    files: [engineFile, ...listDeploymentNames(task)],
    make: async (staging, nameOf) => {
      const file = nameOf(engineFile);
      const stored = await staging.make(file, (path) => copyEngine(join(context.built, engineFile), path));
      const { name, version } = facts.runtime;
      const dataType = facts.chosen?.dataType ?? task.dataType;
      const engine = { file, ...stored };
      const reported = { runtime: facts.runtime, ...(report.evidence && { evidence: report.evidence }) };
      const evidence = summariseEvidence(report.evidence);
      const deployment = await makeDeployment(
        { ...task, dataType },
        { engine, report: reported, work: context.work },
      );
      const beside = await stageTexts(staging, deployment?.files ?? []);
      return {
        key: task.engineKey,
        files: { [file]: stored, ...beside },
        result: {
          kind: 'EngineBuilt',
          engine,
          ...facts,
          ...(evidence && { evidence }),
          ...(deployment && { deployment: nameDeployment(deployment) }),
          reused: false,
        },
        notes: [
          `${file} runs on ${name} ${version}; batch 1 to ${task.maxBatchSize}, ${dataType}`,
          ...(facts.chosen ? [facts.chosen.because] : []),
          ...(deployment?.notes ?? []),
        ],
      };
    },
  });
};

/** Returns the result that `stage` found stored, if any. */
const readFinishedResult = async ({ work }: PublishContext): Promise<EngineBuilt | undefined> => {
  const limits = { doing: 'Reading the result that stage found', limitBytes: reportLimitBytes };
  const bytes = await readUntrusted(join(work, workFiles.finished), limits);
  const result = bytes && parseResult(bytes.toString('utf8'));
  return result?.kind === 'EngineBuilt' ? result : undefined;
};

type ReportedFacts = Pick<EngineBuilt, 'runtime' | 'latency' | 'agreement' | 'integerOperators' | 'chosen'>;

/** What is taken from a report: the facts for status, and evidence, of which each reader checks its part. */
type Report = { readonly facts: ReportedFacts; readonly evidence: BuildReport['evidence'] };

/** Which timing caches the builder combined. */
const listTimingCaches = ({ evidence }: Report): readonly unknown[] => {
  const { timingCaches } = Object(evidence) as { readonly timingCaches?: unknown };
  return Array.isArray(timingCaches) ? timingCaches : [];
};

/** Reads the builder's report and checks it against the schema of results, before anything is stored. */
const readReport = async ({ built }: PublishContext): Promise<Report> => {
  const limits = { doing: "Reading the builder's report", limitBytes: reportLimitBytes };
  const bytes = await readUntrusted(join(built, buildReportFile), limits);
  if (bytes === undefined) throw missingOutput('report');
  const { runtime, latency, agreement, integerOperators, chosen, evidence } = parseObject(
    bytes,
  ) as ReportedFacts & Pick<BuildReport, 'evidence'>;
  const facts = {
    runtime,
    ...(latency && { latency }),
    ...(agreement && { agreement }),
    ...(integerOperators !== undefined && { integerOperators }),
    ...(chosen && { chosen }),
  };
  for (const [name, value] of Object.entries(facts)) {
    const fault = findFault(resultSchemas.EngineBuilt.properties[name as keyof ReportedFacts], value, name);
    if (fault !== undefined)
      throw new UserError('EngineBuildFailed', `${limits.doing}: ${fault}. Correct the builder image.`);
  }
  return { facts, evidence };
};

const parseObject = (bytes: Buffer): object => {
  try {
    return Object(JSON.parse(bytes.toString('utf8')));
  } catch {
    return {}; // The check of the fields then reports what is missing.
  }
};

/** Stages files under their names, which follow from that of the engine. */
const stageTexts = async (staging: Staging, texts: DeploymentTexts['files']): Promise<Manifest['files']> => {
  const stored: Record<string, Manifest['files'][string]> = {};
  for (const { name, text } of texts)
    stored[name] = await staging.make(name, (path) => writeFile(path, text));
  return stored;
};

const copyEngine = async (from: string, to: string): Promise<void> => {
  const limits = { doing: 'Storing the engine', limitBytes: engineLimitBytes };
  if (!(await copyUntrusted(from, to, limits))) throw missingOutput('engine');
};

const missingOutput = (what: string): UserError =>
  new UserError(
    'EngineBuildFailed',
    `Storing the engine: the builder wrote no ${what}. See the log of container build.`,
  );
