/**
 * The ONNX Runtime backend: optimises a graph for this machine's processor, then compares it with the float graph on
 * held-out images.
 */
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { parseTensor } from '../../formats/onnx/tensor-file.ts';
import { freeBytes } from '../../ground/base/disk-space.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { FailureReason } from '../../ground/base/failures.ts';
import { diskFull } from '../../ground/base/whole-file.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { BuildReport } from '../../ground/contract/task.ts';
import { type Agreement, AgreementSum } from '../evaluation/agreement.ts';
import { measureMedianLatency } from '../inference/latency.ts';
import { type FloatTensor, openSession, type Session } from '../inference/session.ts';
import { chooseScales, type ScaleChoice } from './choose-scales.ts';
import { describeSlowness, type EngineIntegers, readEngineIntegers } from './engine-integers.ts';

/** Inputs of a build. */
export type OnnxRuntimeBuild = {
  /** Paths of the graph in the requested precision and of the float graph. */
  readonly model: string;
  readonly reference: string;
  /**
   * Path of an ONNX TensorProto [N,C,H,W] of held-out images; without the file the engine runs only on zeros, for its
   * latency.
   */
  readonly verification: string | undefined;
  /** What the scales of an int8 engine are chosen from; those of the graph stay if undefined. */
  readonly choice?: ScaleChoice | undefined;
  readonly engine: string;
  readonly inputName: string;
  readonly outputRoles: OutputRoles;
  /** [1,C,H,W] */
  readonly shape: readonly number[];
  readonly clock: { now(): number };
};

/** Result of a build. */
export type OnnxRuntimeBuildResult = {
  readonly runtime: { readonly name: string; readonly version: string };
  readonly latency: BuildReport['latency'];
  /** Operators that a quantised engine computes with integers; undefined for a float engine. */
  readonly integerOperators: number | undefined;
  readonly agreement: Agreement | undefined;
  /** What was chosen, in a sentence. */
  readonly note: string | undefined;
  readonly warnings: readonly string[];
};

/** Minimum SQNR in dB. Below it the output is noise, and the engine is not published. */
const leastSqnrDb = 3;
/** For lists of boxes: the minimum number of boxes for a verdict, and the minimum share that both models find. */
const fewestBoxes = 4;
const leastMatched = 0.25;

/**
 * Builds the engine file, which is complete only after this returns, and measures it.
 * @throws UserError EngineBuildFailed, EngineVerificationFailed, DiskFull
 */
export const buildOnnxRuntime = async (
  build: OnnxRuntimeBuild,
  version: string,
): Promise<OnnxRuntimeBuildResult> => {
  try {
    const chosen = build.choice && (await chooseScales(build, build.choice));
    const { session, warnings } = await saveEngine(chosen?.model ?? build.model, build.engine);
    const integers = await readEngineIntegers(build.engine);
    const { slowness, ...built } = await evaluateEngine(session, build, integers);
    return {
      runtime: { name: `OnnxRuntime on ${processorName()}`.slice(0, 64), version },
      ...built,
      integerOperators: integers?.operators,
      note: chosen?.note,
      warnings: slowness === undefined ? warnings : [...warnings, slowness],
    };
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
      const session = await openSession(engine, { spinning: true });
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

const evaluateEngine = async (
  session: Session,
  build: OnnxRuntimeBuild,
  integers: EngineIntegers | undefined,
) => {
  try {
    const images = await readVerificationImages(build);
    const reference = await openSession(build.reference, { spinning: true });
    try {
      const p50Microseconds = await measureMedianLatency(session, build);
      const float = integers && (await measureMedianLatency(reference, build));
      return {
        latency: { p50Microseconds, ...(float !== undefined && { floatP50Microseconds: float }) },
        slowness: integers && describeSlowness(integers, { int8: p50Microseconds, float: float! }),
        agreement: images && (await compareWithReference({ session, reference }, build, images)),
      };
    } finally {
      await reference.release();
    }
  } finally {
    await session.release();
  }
};

const readVerificationImages = async ({
  verification,
}: OnnxRuntimeBuild): Promise<FloatTensor | undefined> => {
  if (!verification || !(await stat(verification).catch(() => undefined))) return undefined; // there are no held-out images
  const tensor = parseTensor(await readFile(verification));
  return { data: floatsOf(tensor), dims: tensor.dims.map(Number) };
};

type SessionPair = { readonly session: Session; readonly reference: Session };

const compareWithReference = async (
  { session, reference }: SessionPair,
  build: OnnxRuntimeBuild,
  images: FloatTensor,
): Promise<Agreement> => {
  const feeds = { [build.inputName]: images };
  const sum = new AgreementSum(build.outputRoles);
  sum.add(await reference.run(feeds), await session.run(feeds), images.dims[0]!);
  const agreement = sum.agreement();
  const noise = findNoise(agreement);
  if (noise === undefined) return agreement;
  throw new UserError(
    'EngineVerificationFailed',
    `Running the engine on ${agreement.images} images: ${noise}. Use a higher precision, or calibrate with more images.`,
  );
};

const findNoise = ({ sqnrDb, boxes, matchedBoxes = 1 }: Agreement): string | undefined => {
  if (boxes >= fewestBoxes && matchedBoxes < leastMatched)
    return `of the ${boxes} boxes that the engine or the float model finds, only ${(matchedBoxes * 100).toFixed(0)} % are found by both`;
  if (boxes > 0 || sqnrDb >= leastSqnrDb) return undefined;
  return `its SQNR against the float model is ${sqnrDb.toFixed(1)} dB; the minimum is ${leastSqnrDb} dB`;
};
