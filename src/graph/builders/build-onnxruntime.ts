/**
 * The ONNX Runtime backend: a graph fused and laid out for this machine's processor, then judged by running it beside
 * the float graph on images that calibration never saw.
 */
import { copyFile, readFile, stat } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { parseTensor } from '../../formats/onnx/tensor-file.ts';
import { freeBytes } from '../../ground/base/disk-space.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { FailureReason } from '../../ground/base/failures.ts';
import { diskFull } from '../../ground/base/whole-file.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import { type Agreement, AgreementSum } from '../evaluation/agreement.ts';
import { medianLatency } from '../inference/latency.ts';
import { type FloatTensor, openSession, type Session } from '../inference/session.ts';

export type OnnxRuntimeBuild = {
  /** Graph in the wanted precision, and the float graph. */
  readonly model: string;
  readonly reference: string;
  /** Path of an ONNX TensorProto [N,C,H,W]; without the file the engine is run on zeros, for its latency alone. */
  readonly verification: string | undefined;
  readonly engine: string;
  readonly inputName: string;
  readonly outputRoles: OutputRoles;
  /** [1,C,H,W] */
  readonly shape: readonly number[];
  readonly clock: { now(): number };
};

export type OnnxRuntimeBuilt = {
  readonly runtime: { readonly name: string; readonly version: string };
  readonly p50Microseconds: number;
  readonly agreement: Agreement | undefined;
  readonly warnings: readonly string[];
};

/** Below this the output is noise: an engine that bad is a defect and is not published. */
const leastSqnrDb = 3;
/** For lists of boxes: the fewest boxes to judge by, and the least share that both models must find. */
const fewestBoxes = 4;
const leastMatched = 0.25;

/**
 * The engine's file is of use only once this has ended.
 * @throws UserError EngineBuildFailed, EngineVerificationFailed, DiskFull
 */
export const buildOnnxRuntime = async (
  build: OnnxRuntimeBuild,
  version: string,
): Promise<OnnxRuntimeBuilt> => {
  try {
    const { session, warnings } = await savedEngine(build.model, build.engine);
    const built = await judged(session, build);
    return { runtime: { name: `OnnxRuntime on ${processor()}`.slice(0, 64), version }, ...built, warnings };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || !refused.has(thrown.reason)) throw thrown;
    const { size } = await stat(build.model);
    if ((await freeBytes(build.engine)) < size) throw diskFull(build.engine, thrown);
    throw new UserError('EngineBuildFailed', thrown.message, { cause: thrown });
  }
};

/** What the gate to ONNX Runtime throws. */
const refused: ReadonlySet<FailureReason> = new Set(['ModelInvalid', 'ModelUnsupported']);

const processor = (): string => `${arch()} ${cpus()[0]?.model ?? ''}`.trim();

/** How an engine is saved, the best first. */
const ways = [
  { how: 'with layouts for this processor', save: (model: string, path: string) => save(model, path, 'all') },
  { how: 'with layers fused', save: (model: string, path: string) => save(model, path, 'extended') },
  { how: 'as it came', save: copyFile },
] as const;

/**
 * The optimised model at `engine`, opened from there. ONNX Runtime (1.30) saves some graphs so that it cannot load them
 * again: layouts of a convolution inside a Loop, or Casts that it adds to a graph and to its bodies under one name.
 */
const savedEngine = async (
  model: string,
  engine: string,
): Promise<{ readonly session: Session; readonly warnings: readonly string[] }> => {
  const failures: string[] = [];
  for (const { how, save: saveTo } of ways) {
    await saveTo(model, engine);
    try {
      const session = await openSession(engine, { spinning: true });
      const warning = `The engine is saved ${how}: ONNX Runtime could not load what it saved before. ${failures[0]}`;
      return { session, warnings: failures.length === 0 ? [] : [warning] };
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      failures.push(`Saved ${how}: ${thrown.message}`);
    }
  }
  throw new UserError('EngineBuildFailed', failures.join(' '));
};

const save = async (model: string, path: string, optimisation: 'extended' | 'all'): Promise<void> => {
  const optimiser = await openSession(model, { optimisation, optimisedModelPath: path, threads: 1 });
  await optimiser.release();
};

const judged = async (session: Session, build: OnnxRuntimeBuild) => {
  try {
    const images = await verificationImages(build);
    const reference = await openSession(build.reference);
    try {
      const p50Microseconds = await medianLatency(session, build);
      return {
        p50Microseconds,
        agreement: images && (await compared({ session, reference }, build, images)),
      };
    } finally {
      await reference.release();
    }
  } finally {
    await session.release();
  }
};

const verificationImages = async ({ verification }: OnnxRuntimeBuild): Promise<FloatTensor | undefined> => {
  if (!verification || !(await stat(verification).catch(() => undefined))) return undefined; // No image was kept out of calibration.
  const tensor = parseTensor(await readFile(verification));
  return { data: floatsOf(tensor), dims: tensor.dims.map(Number) };
};

type Both = { readonly session: Session; readonly reference: Session };

const compared = async (
  { session, reference }: Both,
  build: OnnxRuntimeBuild,
  images: FloatTensor,
): Promise<Agreement> => {
  const feeds = { [build.inputName]: images };
  const sum = new AgreementSum(build.outputRoles);
  sum.add(await reference.run(feeds), await session.run(feeds), images.dims[0]!);
  const agreement = sum.agreement();
  const noise = noiseIn(agreement);
  if (noise === undefined) return agreement;
  throw new UserError(
    'EngineVerificationFailed',
    `Running the engine on ${agreement.images} images: ${noise}. Use a higher precision, or calibrate with more images.`,
  );
};

const noiseIn = ({ sqnrDb, boxes, matchedBoxes = 1 }: Agreement): string | undefined => {
  if (boxes >= fewestBoxes && matchedBoxes < leastMatched)
    return `of ${boxes} boxes that it or the float model finds, both find ${(matchedBoxes * 100).toFixed(0)} %`;
  if (boxes > 0 || sqnrDb >= leastSqnrDb) return undefined;
  return `its output agrees with the float model by ${sqnrDb.toFixed(1)} dB, and less than ${leastSqnrDb} dB is noise`;
};
