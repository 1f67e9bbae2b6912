/**
 * The build container of ONNX Runtime device classes: builds the engine, runs it and writes the report on this machine.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { workFiles } from '../../ground/contract/layout.ts';
import type { BuildReport, BuildRequest } from '../../ground/contract/task.ts';
import type { Agreement } from '../evaluation/agreement.ts';
import { buildOnnxRuntime } from './build-onnxruntime.ts';
import type { ScaleChoice } from './choose-scales.ts';

type Clock = { now(): number };

/**
 * Builds the engine and returns what to log. Does nothing if the stage container has found finished work.
 * @throws UserError EngineBuildFailed, EngineVerificationFailed
 */
export const buildHere = async (
  work: string,
  clock: Clock,
): Promise<Pick<BuildReport, 'note' | 'warnings'>> => {
  if (existsSync(join(work, workFiles.finished))) return { warnings: [] };
  const request = JSON.parse(await readFile(join(work, workFiles.request), 'utf8')) as BuildRequest;
  const reference = join(work, workFiles.reference);
  const verification = join(work, workFiles.verification);
  const distributions = join(work, workFiles.distributions);
  const choice =
    existsSync(distributions) && existsSync(verification)
      ? { distributions, images: verification }
      : undefined;
  return buildFromRequest(request, { clock, reference, verification, choice });
};

/** What the engine is compared with: the float graph, and a file of held-out images, if any. */
export type Comparison = {
  readonly clock: Clock;
  readonly reference: string;
  readonly verification: string | undefined;
  readonly choice: ScaleChoice | undefined;
};

/**
 * Builds the requested engine and writes its report.
 * @throws UserError EngineBuildFailed, EngineVerificationFailed, DiskFull
 */
export const buildFromRequest = async (
  request: BuildRequest,
  { clock, reference, verification, choice }: Comparison,
): Promise<BuildReport> => {
  const started = clock.now();
  const { runtime, latency, integerOperators, agreement, chosen, note, warnings } = await buildOnnxRuntime(
    {
      model: request.model,
      reference,
      verification,
      choice,
      fastest: request.fastest,
      engine: request.engine,
      inputName: request.inputName,
      outputRoles: request.outputRoles,
      shape: request.minShape,
      clock,
    },
    onnxRuntimeVersion(),
  );
  const report: BuildReport = {
    runtime,
    seconds: (clock.now() - started) / 1000,
    warnings,
    latency,
    ...(integerOperators !== undefined && { integerOperators }),
    ...(chosen && { chosen }),
    ...(note !== undefined && { note }),
    ...(agreement && { agreement: formatAgreement(agreement) }),
  };
  await writeFile(request.report, JSON.stringify(report));
  return report;
};

const formatAgreement = ({ images, sqnrDb, top1, matchedBoxes }: Agreement) => ({
  images,
  sqnrDb: Number.isFinite(sqnrDb) ? sqnrDb.toFixed(1) : 'inf',
  ...(top1 !== undefined && { top1: top1.toFixed(3) }),
  ...(matchedBoxes !== undefined && { matchedBoxes: matchedBoxes.toFixed(3) }),
});

const onnxRuntimeVersion = (): string => {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return version;
};
