/** Compares quantised models with the float model: SQNR over all outputs on held-out images, and processor time on one thread. */
import process from 'node:process';
import { readEngineIntegers } from '../../../src/graph/builders/engine-integers.ts';
import { type FloatTensor, openSession, type Session } from '../../../src/graph/inference/session.ts';
import type { Trial } from './trial.ts';

/** Figures of one quantised model. */
export type Compared = {
  /** 10·log10(Σx² / Σ(x − y)²) over all values of all outputs. */
  readonly decibels: number;
  /** Operators of the optimised graph that compute with integers. */
  readonly integerOperators: number;
  /** Median processor time of the float model divided by that of this one. */
  readonly speed: number;
};

type Outputs = Readonly<Record<string, FloatTensor>>;

/** Compares models, given by their paths. */
export const compareAll = async (
  { source, opened, heldOut }: Trial,
  files: readonly string[],
): Promise<readonly Compared[]> => {
  const open = (file: string) => openSession(file, { threads: 1, optimisedModelPath: optimised(file) });
  const float = await open(source);
  const others = await Promise.all(files.map(open));
  const noise = others.map(() => 0);
  let signal = 0;
  for (const { data, dims } of heldOut) {
    const feeds = { [opened.input]: { data, dims } };
    const wanted = await float.run(feeds);
    signal += sumOf(wanted, (x) => x ** 2);
    for (const [i, other] of others.entries()) {
      const found = await other.run(feeds);
      noise[i]! += sumOf(wanted, (x, name, at) => (x - found[name]!.data[at]!) ** 2);
    }
  }
  const [floatMs, ...otherMs] = await medianTimes([float, ...others], {
    [opened.input]: heldOut[0]!,
  });
  for (const session of [float, ...others]) await session.release();
  const integers = await Promise.all(files.map((file) => readEngineIntegers(optimised(file))));
  return files.map((_, i) => ({
    decibels: 10 * Math.log10(signal / noise[i]!),
    integerOperators: integers[i]?.operators ?? 0,
    speed: floatMs! / otherMs[i]!,
  }));
};

const optimised = (file: string): string => `${file}.optimised`;

const sumOf = (outputs: Outputs, term: (x: number, name: string, at: number) => number): number => {
  let sum = 0;
  for (const [name, { data }] of Object.entries(outputs))
    for (let at = 0; at < data.length; at++) sum += term(data[at]!, name, at);
  return sum;
};

const rounds = { least: 5, most: 15, enoughMs: 6000 } as const;
/** Short networks run several times a round: the clock of processor time is coarse. */
const leastMs = 10;

/** Processor time of one run, in turns, so that other work on the machine affects all of them alike. */
const medianTimes = async (
  sessions: readonly Session[],
  feeds: Readonly<Record<string, FloatTensor>>,
): Promise<readonly number[]> => {
  const times = sessions.map((): number[] => []);
  const begun = performance.now();
  const isEnough = () => performance.now() - begun > rounds.enoughMs;
  for (let round = 0; round < rounds.most && (round < rounds.least || !isEnough()); round++)
    for (const [i, session] of sessions.entries()) {
      const [started, before] = [performance.now(), process.cpuUsage()];
      let runs = 0;
      for (; runs === 0 || performance.now() - started < leastMs; runs++) await session.run(feeds);
      const { user, system } = process.cpuUsage(before);
      times[i]!.push((user + system) / runs);
    }
  return times.map((each) => each.toSorted((a, b) => a - b)[each.length >> 1]!);
};
