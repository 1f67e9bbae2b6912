/** Which of int8 and float is stored where the fastest engine is preferred. Pure. */
import { formatMilliseconds } from '../../ground/base/amounts.ts';
import type { BuildReport } from '../../ground/contract/task.ts';

/** What the build measured of an int8 engine. */
export type Int8Measured = {
  /** Median latencies of int8 and of the float graph, in microseconds. */
  readonly int8: number;
  readonly float: number;
  /** Operators that the engine computes with integers. */
  readonly operators: number;
  /** SQNR of its outputs against float in decibel; undefined if there were no held-out images. */
  readonly sqnrDb: number | undefined;
  /** Why its outputs are noise; undefined if they are not. */
  readonly noise: string | undefined;
};

/** The engine to store, and why. */
export type ChosenPrecision = NonNullable<BuildReport['chosen']>;

/** The faster of those that pass the accuracy gate; float always does. */
export const preferFastest = (
  { int8, float, operators, sqnrDb, noise }: Int8Measured,
  minAgreement: number | undefined,
): ChosenPrecision => {
  const times = `int8 takes ${formatMilliseconds(int8)} and float ${formatMilliseconds(float)}`;
  const keepsFloat = (because: string): ChosenPrecision => ({ dataType: 'fp32', because });
  if (operators === 0) return keepsFloat('No operator would compute with integers.');
  if (noise !== undefined) return keepsFloat(`Int8 fails the accuracy gate: ${noise}.`);
  if (sqnrDb === undefined)
    return keepsFloat('Int8 could not be compared with float, because there are no held-out images.');
  if (minAgreement !== undefined && sqnrDb < minAgreement)
    return keepsFloat(
      `Int8 fails the accuracy gate: its SQNR is ${sqnrDb.toFixed(1)} dB, the required minimum ${minAgreement} dB.`,
    );
  if (int8 >= float) return keepsFloat(`On this processor, ${times}.`);
  return { dataType: 'int8', because: `On this processor, ${times}; its SQNR is ${sqnrDb.toFixed(1)} dB.` };
};
