/**
 * Compares int8 graphs with float on the same images, as many at a time as there are threads, each on one processor. A few images hold
 * most of the noise, so those that were the noisiest for other graphs come first: a graph that is not the closest ends soon.
 */
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import { AgreementSum } from '../evaluation/agreement.ts';
import type { FloatTensor, FloatTensors } from '../inference/session.ts';
import type { SessionThread } from '../inference/session-thread.ts';

/** A graph to compare. */
export type Candidate = {
  readonly what: string;
  /** Makes its ONNX file. */
  readonly make: () => Uint8Array;
};

/** What graphs are compared with, and on. */
export type Yardstick = {
  /** The float graph as an ONNX file, or its outputs for each of the images. */
  readonly float: Uint8Array | readonly FloatTensors[];
  readonly inputName: string;
  readonly outputRoles: OutputRoles;
  readonly images: readonly FloatTensor[];
};

/** A candidate that was compared on all images. */
export type ComparedCandidate = {
  readonly what: string;
  /** Its place among the candidates. */
  readonly order: number;
  readonly model: Uint8Array;
  readonly sum: AgreementSum;
};

/** The candidate closest to float, and the agreement of the first one. */
export type Closest = { readonly best: ComparedCandidate; readonly first: AgreementSum };

/** What a comparison needs of a thread. */
export type ComparingThread = Pick<SessionThread, 'open' | 'run'>;

/**
 * Each thread compares one candidate at a time; the first one runs the float graph before, unless its outputs are known. The earlier of
 * equal candidates is the closest. There is at least one. @throws UserError as a session
 */
export const findClosest = async (
  [first, ...more]: readonly ComparingThread[],
  yardstick: Yardstick,
  candidates: readonly Candidate[],
): Promise<Closest> => {
  const float = runFloat(first!, yardstick);
  const race = new Race(yardstick, float.outputs, candidates);
  const lanes = [float.asked.then(() => race.run(first!)), ...more.map((thread) => race.run(thread))];
  // Every lane must have ended before its thread is given back.
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
  return race.closest;
};

/** Asks a thread for the outputs of each image unless they are known. It computes them before whatever is asked later. */
const runFloat = (thread: ComparingThread, { float, inputName, images }: Yardstick) => {
  if (!(float instanceof Uint8Array))
    return { outputs: float.map((each) => Promise.resolve(each)), asked: Promise.resolve() };
  const opened = thread.open(Uint8Array.from(float), { threads: 1 });
  const outputs = images.map((image) => opened.then(() => thread.run({ [inputName]: image })));
  for (const each of outputs) each.catch(() => {}); // The lanes that wait for it report it.
  return { outputs, asked: opened };
};

/** Of the images that are left, the noisiest so far; the first one of equals. Noise that is no number is the largest. */
export const pickImage = (left: ReadonlySet<number>, noise: readonly number[]): number => {
  const amount = (image: number) => (Number.isNaN(noise[image]!) ? Number.POSITIVE_INFINITY : noise[image]!);
  return [...left].reduce((most, image) => (amount(image) > amount(most) ? image : most));
};

/** Candidates that threads take in turns. */
class Race {
  readonly #yardstick: Yardstick;
  readonly #wanted: readonly Promise<FloatTensors>[];
  readonly #candidates: readonly Candidate[];
  /** Noise of each image in the candidate that has most of it. */
  readonly #noise: number[];
  #next = 0;
  /** The graph of the next candidate, made while threads run. */
  #ahead: Uint8Array | undefined;
  #best: ComparedCandidate | undefined;
  #first: AgreementSum | undefined;

  constructor(
    yardstick: Yardstick,
    wanted: readonly Promise<FloatTensors>[],
    candidates: readonly Candidate[],
  ) {
    this.#yardstick = yardstick;
    this.#wanted = wanted;
    this.#candidates = candidates;
    this.#noise = yardstick.images.map(() => 0);
  }

  get closest(): Closest {
    return { best: this.#best!, first: this.#first! };
  }

  async run(thread: ComparingThread): Promise<void> {
    while (this.#next < this.#candidates.length) {
      const model = this.#ahead ?? this.#candidates[this.#next]!.make();
      const order = this.#next++;
      const { what } = this.#candidates[order]!;
      const opened = thread.open(Uint8Array.from(model), { threads: 1 });
      this.#ahead = this.#candidates[this.#next]?.make();
      await opened;
      const sum = await this.#compare(thread, order);
      if (sum) this.#enter({ what, order, model, sum });
    }
  }

  #enter(found: ComparedCandidate): void {
    if (found.order === 0) this.#first = found.sum;
    if (this.#best === undefined || isCloser(found, this.#best)) this.#best = found;
  }

  /** Undefined as soon as an earlier candidate is at least as close, whatever follows. */
  async #compare(thread: ComparingThread, order: number): Promise<AgreementSum | undefined> {
    const { inputName, outputRoles, images } = this.#yardstick;
    const sum = new AgreementSum(outputRoles);
    const left = new Set(images.keys());
    while (left.size > 0) {
      const best = this.#best;
      if (best && best.order < order && sum.cannotExceed(best.sum)) return undefined;
      const i = pickImage(left, this.#noise);
      left.delete(i);
      const before = sum.noise;
      const found = await thread.run({ [inputName]: images[i]! });
      sum.add(await this.#wanted[i]!, found, images[i]!.dims[0]!);
      this.#noise[i] = Math.max(this.#noise[i]!, sum.noise - before);
    }
    return sum;
  }
}

const decibelsOf = ({ sum }: ComparedCandidate): number => sum.agreement().sqnrDb;

const isCloser = (one: ComparedCandidate, other: ComparedCandidate): boolean => {
  const [a, b] = [decibelsOf(one), decibelsOf(other)];
  return a > b || (a === b && one.order < other.order);
};
