/** Feeds damaged inputs to one reader, guided by the code that they reach. */
import { UserError } from '../../src/ground/base/errors.ts';
import type { Coverage } from './coverage.ts';
import { type Random, randomFrom } from './mutate.ts';
import type { Target } from './targets.ts';

export type Finding = { readonly what: string; readonly input: Uint8Array };

export type Figures = {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Saved inputs, which reached new code. */
  readonly corpus: number;
  readonly blocks: number;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
};

export type Run = {
  readonly target: Target;
  readonly seed: number;
  readonly folder: string;
  /** Returns the time in milliseconds. */
  readonly clock: () => number;
  /** Called before each batch with the number of inputs so far. Returns whether to continue. */
  readonly shouldContinue: (inputs: number) => boolean;
  readonly coverage?: Coverage;
  /** Called with each input before it is read, so that a hanging input is known. */
  readonly onInput?: (input: Uint8Array) => void;
};

/** Inputs per batch. The coverage is read after each batch, which takes about 50 ms. */
const batchSizes = { led: 1024, blind: 32 } as const;
/** Maximum milliseconds for one input; longer is a hang. */
export const maxMs = 10_000;
const maxFindings = 20;
/** Maximum bytes. Larger inputs are slow, and find no more than smaller ones. */
const maxBytes = 1 << 20;

export const runTarget = async (run: Run): Promise<Figures> => {
  const { target, coverage } = run;
  const random = randomFrom(run.seed);
  const corpus = [...(await target.seeds())];
  const sums = { inputs: 0, accepted: 0, refused: 0, blocks: 0, slowestMs: 0, findings: [] as Finding[] };
  const feed = (input: Uint8Array) => feedOne(run, input, sums);
  for (const seed of corpus) await feed(seed);
  sums.blocks += coverage?.fresh().length ?? 0;
  while (run.shouldContinue(sums.inputs) && sums.findings.length < maxFindings) {
    const length = coverage ? batchSizes.led : batchSizes.blind;
    const batch = Array.from({ length }, () => damageInput(target, corpus, random));
    for (const input of batch) await feed(input);
    const fresh = coverage?.fresh() ?? [];
    sums.blocks += fresh.length;
    if (fresh.length > 0) corpus.push(...(await findReaching(run, batch, fresh)));
  }
  return { ...sums, corpus: corpus.length };
};

/** Inputs per part: new blocks are searched in parts of a batch, then in single inputs. */
const partSize = 32;

/** Finds the inputs of a batch that reach these blocks by reading them again: first in parts, then one by one. */
const findReaching = async (
  run: Run,
  batch: readonly Uint8Array[],
  blocks: readonly string[],
): Promise<readonly Uint8Array[]> => {
  const wanted = new Set(blocks);
  const kept: Uint8Array[] = [];
  run.coverage?.ran();
  for (let at = 0; at < batch.length && wanted.size > 0; at += partSize) {
    const part = batch.slice(at, at + partSize);
    const ran = await blocksOf(run, part);
    if (!ran.some((block) => wanted.has(block))) continue;
    for (const bytes of part)
      if ((await blocksOf(run, [bytes])).filter((block) => wanted.delete(block)).length > 0) kept.push(bytes);
  }
  return kept;
};

const blocksOf = async (
  { target, folder, coverage, onInput: begins }: Run,
  inputs: readonly Uint8Array[],
): Promise<readonly string[]> => {
  for (const bytes of inputs) {
    const input = target.wrap?.(bytes) ?? bytes;
    begins?.(input);
    await (async () => target.read(input, folder))().catch(() => undefined);
  }
  return coverage?.ran() ?? [];
};

const damageInput = ({ mutate }: Target, corpus: readonly Uint8Array[], random: Random): Uint8Array =>
  mutate(corpus[random(corpus.length)]!, random, corpus[random(corpus.length)]!).subarray(0, maxBytes);

type Sums = { inputs: number; accepted: number; refused: number; slowestMs: number; findings: Finding[] };

const feedOne = async (
  { target, folder, clock, onInput: begins }: Run,
  bytes: Uint8Array,
  sums: Sums,
): Promise<void> => {
  const input = target.wrap?.(bytes) ?? bytes;
  begins?.(input);
  const started = clock();
  sums.inputs += 1;
  try {
    await target.read(input, folder);
    sums.accepted += 1;
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason !== 'Internal') sums.refused += 1;
    else
      sums.findings.push({
        what: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
        input,
      });
  }
  const took = clock() - started;
  sums.slowestMs = Math.max(sums.slowestMs, took);
  if (took > maxMs) sums.findings.push({ what: `it took ${Math.round(took)} ms`, input });
};
