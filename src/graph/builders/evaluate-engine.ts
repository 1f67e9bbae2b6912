/** Runs an engine of ONNX Runtime beside the float graph: latency, and agreement on held-out images. */
import { readFile, stat } from 'node:fs/promises';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { parseTensor } from '../../formats/onnx/tensor-file.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import { type Agreement, AgreementSum } from '../evaluation/agreement.ts';
import { blankImages, measureMedianLatencies } from '../inference/latency.ts';
import { type FloatTensor, openSession, type Session } from '../inference/session.ts';

/** What an engine is run on, and beside. */
export type Evaluation = {
  /** Path of the float graph. */
  readonly reference: string;
  /**
   * Path of an ONNX TensorProto [N,C,H,W] of held-out images; without the file the engine runs only on zeros, for its
   * latency.
   */
  readonly verification: string | undefined;
  readonly inputName: string;
  readonly outputRoles: OutputRoles;
  /** [1,C,H,W] */
  readonly shape: readonly number[];
  readonly clock: { now(): number };
};

/** Minimum SQNR in dB. Below it the output is noise, and the engine is not published. */
const leastSqnrDb = 3;
/** For lists of boxes: the minimum number of boxes for a verdict, and the minimum share that both models find. */
const fewestBoxes = 4;
const leastMatched = 0.25;

/** What was measured. */
export type Evaluated = {
  /** Median latencies in microseconds; of the float graph for a quantised engine only. */
  readonly latency: number;
  readonly float: number | undefined;
  readonly agreement: Agreement | undefined;
  /** Why its outputs are noise; undefined if they are not. */
  readonly noise: string | undefined;
};

/** Measures an engine, and the float graph as well if the engine is quantised. Releases the session. @throws UserError as a session */
export const evaluateEngine = async (
  session: Session,
  build: Evaluation,
  isQuantised: boolean,
): Promise<Evaluated> => {
  try {
    const images = await readVerificationImages(build);
    const reference = await openSession(build.reference);
    try {
      const { inputName, shape, clock } = build;
      const timed = { inputName, images: takeImages(images, shape), clock };
      const [latency, float] = await measureMedianLatencies(
        isQuantised ? [session, reference] : [session],
        timed,
      );
      const agreement = images && (await compareWithReference({ session, reference }, build, images));
      return { latency: latency!, float, agreement, noise: agreement && findNoise(agreement) };
    } finally {
      await reference.release();
    }
  } finally {
    await session.release();
  }
};

/** As many held-out images as one run takes; zeros if there are too few. */
const takeImages = (images: FloatTensor | undefined, shape: readonly number[]): FloatTensor => {
  const blank = blankImages(shape);
  if (!images || images.data.length < blank.data.length) return blank;
  return { data: images.data.slice(0, blank.data.length), dims: shape };
};

const readVerificationImages = async ({ verification }: Evaluation): Promise<FloatTensor | undefined> => {
  if (!verification || !(await stat(verification).catch(() => undefined))) return undefined; // there are no held-out images
  const tensor = parseTensor(await readFile(verification));
  return { data: floatsOf(tensor), dims: tensor.dims.map(Number) };
};

type SessionPair = { readonly session: Session; readonly reference: Session };

const compareWithReference = async (
  { session, reference }: SessionPair,
  build: Evaluation,
  images: FloatTensor,
): Promise<Agreement> => {
  const feeds = { [build.inputName]: images };
  const sum = new AgreementSum(build.outputRoles);
  sum.add(await reference.run(feeds), await session.run(feeds), images.dims[0]!);
  return sum.agreement();
};

const findNoise = ({ sqnrDb, boxes, matchedBoxes = 1 }: Agreement): string | undefined => {
  if (boxes >= fewestBoxes && matchedBoxes < leastMatched)
    return `of the ${boxes} boxes that the engine or the float model finds, only ${(matchedBoxes * 100).toFixed(0)} % are found by both`;
  if (boxes > 0 || sqnrDb >= leastSqnrDb) return undefined;
  return `its SQNR against the float model is ${sqnrDb.toFixed(1)} dB; the minimum is ${leastSqnrDb} dB`;
};
