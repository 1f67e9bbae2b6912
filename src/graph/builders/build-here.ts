/** The build container of ONNX Runtime classes: builds, runs and reports on the machine that it is on. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { workFiles } from '../../ground/contract/layout.ts';
import type { BuildReport, BuildRequest } from '../../ground/contract/task.ts';
import type { Agreement } from '../evaluation/agreement.ts';
import { buildOnnxRuntime } from './build-onnxruntime.ts';

type Clock = { now(): number };

/**
 * What there is to warn of; nothing is built where stage found finished work.
 * @throws UserError EngineBuildFailed, EngineVerificationFailed
 */
export const buildHere = async (work: string, clock: Clock): Promise<readonly string[]> => {
  if (existsSync(join(work, workFiles.finished))) return [];
  const request = JSON.parse(await readFile(join(work, workFiles.request), 'utf8')) as BuildRequest;
  const reference = join(work, workFiles.reference);
  const verification = join(work, workFiles.verification);
  return (await buildFromRequest(request, { clock, reference, verification })).warnings;
};

/** Beside a request: the float graph, and images that calibration never saw, where there are any. */
export type Comparison = {
  readonly clock: Clock;
  readonly reference: string;
  readonly verification: string | undefined;
};

/** Builds what the request asks for and writes its report. */
export const buildFromRequest = async (
  request: BuildRequest,
  { clock, reference, verification }: Comparison,
): Promise<BuildReport> => {
  const started = clock.now();
  const { runtime, p50Microseconds, agreement, warnings } = await buildOnnxRuntime(
    {
      model: request.model,
      reference,
      verification,
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
    latency: { p50Microseconds },
    ...(agreement && { agreement: agreementText(agreement) }),
  };
  await writeFile(request.report, JSON.stringify(report));
  return report;
};

const agreementText = ({ images, sqnrDb, top1, matchedBoxes }: Agreement) => ({
  images,
  sqnrDb: Number.isFinite(sqnrDb) ? sqnrDb.toFixed(1) : 'inf',
  ...(top1 !== undefined && { top1: top1.toFixed(3) }),
  ...(matchedBoxes !== undefined && { matchedBoxes: matchedBoxes.toFixed(3) }),
});

const onnxRuntimeVersion = (): string => {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return version;
};
