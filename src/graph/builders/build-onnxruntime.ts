/**
 * The ONNX Runtime backend: optimises a graph for this machine's processor, then compares it with the float graph on
 * held-out images.
 */
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { freeBytes } from '../../ground/base/disk-space.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { FailureReason } from '../../ground/base/failures.ts';
import { diskFull } from '../../ground/base/whole-file.ts';
import type { BuildReport, BuildRequest } from '../../ground/contract/task.ts';
import type { Agreement } from '../evaluation/agreement.ts';
import { openSession, type Session } from '../inference/session.ts';
import { chooseScales, type ScaleChoice } from './choose-scales.ts';
import { describeSlowness, type EngineIntegers, readEngineIntegers } from './engine-integers.ts';
import { type Evaluated, type Evaluation, evaluateEngine } from './evaluate-engine.ts';
import { type ChosenPrecision, preferFastest } from './prefer-fastest.ts';

/** Inputs of a build. */
export type OnnxRuntimeBuild = Evaluation & {
  /** Path of the graph in the requested precision; not read if the scales are chosen. */
  readonly model: string;
  /** What the scales of an int8 engine are chosen from; those of the graph above stay if undefined. */
  readonly choice?: ScaleChoice | undefined;
  /** Present if float is stored where it is faster, or where int8 fails this accuracy gate. */
  readonly fastest?: BuildRequest['fastest'];
  readonly engine: string;
};

/** Result of a build. */
export type OnnxRuntimeBuildResult = {
  readonly runtime: { readonly name: string; readonly version: string };
  readonly latency: BuildReport['latency'];
  /** Operators that a quantised engine computes with integers; undefined for a float engine. */
  readonly integerOperators: number | undefined;
  readonly agreement: Agreement | undefined;
  /** Which of int8 and float it is; undefined unless the faster one is preferred. */
  readonly chosen: ChosenPrecision | undefined;
  /** What was chosen, in a sentence. */
  readonly note: string | undefined;
  readonly warnings: readonly string[];
};

/**
 * Builds the engine file, which is complete only after this returns, and measures it.
 * @throws UserError EngineBuildFailed, EngineVerificationFailed, DiskFull
 */
export const buildOnnxRuntime = async (
  build: OnnxRuntimeBuild,
  version: string,
): Promise<OnnxRuntimeBuildResult> => {
  try {
    const scaled = build.choice && (await chooseScales(build, build.choice));
    const runtime = { name: `OnnxRuntime on ${processorName()}`.slice(0, 64), version };
    const asked = await buildEngine(build, scaled?.model ?? build.model);
    const chosen = build.fastest && choosePrecision(asked, build.fastest);
    if (chosen?.dataType === 'fp32')
      return {
        ...describeEngine(await buildEngine(build, build.reference)),
        runtime,
        note: `The engine is float. ${chosen.because}`,
        chosen,
      };
    return { ...describeEngine(asked), runtime, note: scaled?.note, chosen };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || !refused.has(thrown.reason)) throw thrown;
    const { size } = await stat(build.model);
    if ((await freeBytes(build.engine)) < size) throw diskFull(build.engine, thrown);
    throw new UserError('EngineBuildFailed', thrown.message, { cause: thrown });
  }
};

/** Reasons that session.ts throws. */
const refused: ReadonlySet<FailureReason> = new Set(['ModelInvalid', 'ModelUnsupported']);

const processorName = (): string => `${arch()} ${cpus()[0]?.model ?? ''}`.trim();

/** A path, or an ONNX file's bytes. */
type EngineModel = string | Uint8Array;

/** Ways to save an engine, best first. */
const saveMethods = [
  { how: 'with all optimisations', save: (model: EngineModel, path: string) => save(model, path, 'all') },
  {
    how: 'with fused layers only',
    save: (model: EngineModel, path: string) => save(model, path, 'extended'),
  },
  {
    how: 'without optimisations',
    save: (model: EngineModel, path: string) =>
      typeof model === 'string' ? copyFile(model, path) : writeFile(path, model),
  },
] as const;

/**
 * Saves the optimised model at `engine` and opens it. ONNX Runtime (1.30) saves some graphs in a form that it cannot
 * load: layouts of a convolution inside a Loop, or Casts that it adds to a graph and to its bodies under one name.
 */
const saveEngine = async (
  model: EngineModel,
  engine: string,
): Promise<{ readonly session: Session; readonly warnings: readonly string[] }> => {
  const failures: string[] = [];
  for (const { how, save: saveTo } of saveMethods) {
    await saveTo(model, engine);
    try {
      const session = await openSession(engine);
      const warning = `The engine is saved ${how}, because ONNX Runtime could not load the more optimised one. ${failures[0]}`;
      return { session, warnings: failures.length === 0 ? [] : [warning] };
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      failures.push(`Saved ${how}: ${thrown.message}`);
    }
  }
  throw new UserError('EngineBuildFailed', failures.join(' '));
};

const save = async (model: EngineModel, path: string, optimisation: 'extended' | 'all'): Promise<void> => {
  const optimiser = await openSession(model, { optimisation, optimisedModelPath: path, threads: 1 });
  await optimiser.release();
};

type Built = Evaluated & {
  readonly integers: EngineIntegers | undefined;
  readonly warnings: readonly string[];
};

/** Saves an engine at its path, in place of an earlier one, and measures it. */
const buildEngine = async (build: OnnxRuntimeBuild, model: EngineModel): Promise<Built> => {
  const { session, warnings } = await saveEngine(model, build.engine);
  const integers = await readEngineIntegers(build.engine);
  return { ...(await evaluateEngine(session, build, integers !== undefined)), integers, warnings };
};

/** Undefined for an engine that is float anyway. */
const choosePrecision = (
  { latency: int8, float, integers, agreement, noise }: Built,
  { minAgreement }: NonNullable<OnnxRuntimeBuild['fastest']>,
): ChosenPrecision =>
  preferFastest(
    {
      int8,
      float: float ?? int8,
      operators: integers?.operators ?? 0,
      sqnrDb: agreement?.sqnrDb,
      noise,
    },
    minAgreement,
  );

/** @throws UserError EngineVerificationFailed */
const describeEngine = ({ latency: p50Microseconds, float, agreement, noise, integers, warnings }: Built) => {
  if (noise !== undefined)
    throw new UserError(
      'EngineVerificationFailed',
      `Running the engine on ${agreement!.images} images: ${noise}. Use a higher precision, or calibrate with more images.`,
    );
  const slowness = integers && describeSlowness(integers, { int8: p50Microseconds, float: float! });
  return {
    latency: { p50Microseconds, ...(float !== undefined && { floatP50Microseconds: float }) },
    integerOperators: integers?.operators,
    agreement,
    warnings: slowness === undefined ? warnings : [...warnings, slowness],
  };
};
