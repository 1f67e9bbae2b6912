/**
 * Distributes images to worker threads, each with its own network and counters. Counts are integers and every micro-batch
 * runs on one thread, so the sum is bit-identical for any number of threads and any order. Own code instead of a worker-pool
 * library such as piscina, because workers are stateful.
 */

import type { OutputPlace } from '../../graph/inference/output-places.ts';
import { packSegment } from '../../graph/inference/packed-segment.ts';
import type { Segment } from '../../graph/inference/segments.ts';
import type { FloatTensor } from '../../graph/inference/session.ts';
import { infiniteError } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Histogram } from '../histograms/histogram.ts';
import type { Thresholds } from '../histograms/thresholds.ts';
import {
  buffersOf,
  type Measuring,
  toHistogramData,
  type WorkerRequest,
  type WorkerResponse,
} from './calibration-messages.ts';
import type { CalibrationWorker } from './calibration-worker.ts';
import { type CountedTensors, collectSums, dealShares } from './shares.ts';
import { takeThreads } from './started-threads.ts';

/** One input to count. */
export type PoolImage = {
  /** [N,C,H,W]; its buffer is transferred. */
  readonly tensor: FloatTensor & { readonly data: Float32Array<ArrayBuffer> };
  /** Name of the image in errors. */
  readonly label: string;
  readonly counted: () => void;
};

/** Per worker: one image being counted, and one queued. */
const queueDepth = 2;

type NotFinite = Extract<WorkerResponse, { kind: 'notFinite' }>;

/** The threads of one calibration pass: `open`, then `count` for each image, `finish`, and `thresholds` if wanted. */
export class CalibrationPool {
  readonly #workers: readonly CalibrationWorker[];
  readonly #running = new Set<Promise<void>>();
  /** Tensor → first image on which it was infinite. */
  readonly #infinite = new Map<string, { readonly order: number; readonly label: string }>();
  #measured: Measuring['measured'] = new Set();
  #scaled: Measuring['scaled'] = new Map();
  #failures: { readonly order: number; readonly error: unknown }[] = [];
  #order = 0;

  /** Starts the threads, which load their modules while the caller prepares the network for `open`. */
  constructor(threads: number) {
    this.#workers = takeThreads(threads);
  }

  /** Tensors that held an infinity, with the first such image, in order of that image. Complete after `finish`. */
  get infinite(): ReadonlyMap<string, string> {
    const found = [...this.#infinite].sort(([, a], [, b]) => a.order - b.order);
    return new Map(found.map(([tensor, { label }]) => [tensor, label]));
  }

  /**
   * Opens the network, given as segments in order, on all threads. One segment at a time: while one is opened, its weights are in
   * memory three times on each thread.
   * @throws UserError CalibrationFailed
   */
  async open(
    measuring: Measuring,
    segments: readonly Segment[],
    places: ReadonlyMap<string, OutputPlace>,
  ): Promise<void> {
    this.#measured = measuring.measured;
    this.#scaled = measuring.scaled;
    await this.#askAll(() => ({ kind: 'open', measuring }));
    for (const index of segments.keys()) {
      const { model, ...segment } = packSegment(segments, index, places);
      const packed = this.#workers.map((_, i) => ({ ...segment, model: i === 0 ? model : model.slice() }));
      await this.#askAll(
        (i) => ({ kind: 'segment', segment: packed[i]! }),
        (i) => [packed[i]!.model.buffer],
      );
    }
  }

  /** Queues an image; resolves when a worker accepts it. @throws UserError CalibrationFailed of an earlier image */
  async count(image: PoolImage): Promise<void> {
    const worker = await this.#freeWorker();
    const counting = this.#countOn(worker, image, this.#order++).finally(() =>
      this.#running.delete(counting),
    );
    this.#running.add(counting);
  }

  /**
   * Waits for all images and adds up the histograms of the workers, by tensor. Each worker adds its share of the tensors, and
   * computes thresholds of all methods for those that are finite if `choosing`.
   * @throws UserError CalibrationFailed naming tensor and image
   */
  async finish(choosing: boolean): Promise<CountedTensors> {
    await this.#settle();
    const workers = this.#workers.length;
    const dealt = dealShares(await this.#askAll(() => ({ kind: 'finish', workers })));
    const sums = await this.#askAll(
      (worker) => ({ kind: 'sum', parts: dealt[worker]!, choosing }),
      (worker) => buffersOf(dealt[worker]!),
    );
    return collectSums(sums, this.#measured);
  }

  /** Computes the thresholds of all methods on the workers, which are idle after counting. */
  async thresholds(histograms: readonly Histogram[]): Promise<ReadonlyMap<Histogram, Thresholds>> {
    const workers = this.#workers.length;
    const part = async (worker: CalibrationWorker, first: number): Promise<readonly Thresholds[]> => {
      const dealt = histograms.filter((_, i) => i % workers === first);
      const answer = await worker.ask({ kind: 'thresholds', histograms: dealt.map(toHistogramData) });
      return answer.kind === 'thresholds' ? answer.thresholds : [];
    };
    const parts = await Promise.all(this.#workers.map(part));
    return new Map(histograms.map((each, i) => [each, parts[i % workers]![Math.floor(i / workers)]!]));
  }

  /** Stops all workers after their last response. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  #askAll(
    question: (worker: number) => WorkerRequest,
    transfer: (worker: number) => readonly ArrayBuffer[] = () => [],
  ): Promise<readonly WorkerResponse[]> {
    return Promise.all(this.#workers.map((worker, i) => worker.ask(question(i), transfer(i))));
  }

  async #freeWorker(): Promise<CalibrationWorker> {
    for (;;) {
      if (this.#failures.length > 0) await this.#settle();
      const worker = this.#workers.reduce((a, b) => (b.pending < a.pending ? b : a));
      if (worker.pending < queueDepth) return worker;
      await Promise.race(this.#running);
    }
  }

  async #countOn(worker: CalibrationWorker, image: PoolImage, order: number): Promise<void> {
    try {
      const { tensor, label, counted } = image;
      const answer = await worker.ask({ kind: 'count', tensor }, [tensor.data.buffer]);
      if (answer.kind === 'notFinite') throw this.#fault(answer, label);
      if (answer.kind === 'counted') for (const name of answer.infinite) this.#note(name, order, label);
      counted();
    } catch (error) {
      this.#failures.push({ order, error });
    }
  }

  #fault({ tensor, worst }: NotFinite, image: string): UserError {
    return worst === 'NaN'
      ? notANumber(tensor, image)
      : infiniteError({ tensor, image, readers: this.#scaled.get(tensor) ?? [] });
  }

  /** Keeps the first image in input order, whichever worker is faster. */
  #note(tensor: string, order: number, label: string): void {
    const known = this.#infinite.get(tensor);
    if (!known || order < known.order) this.#infinite.set(tensor, { order, label });
  }

  /** Waits for running images. Throws the failure of the first image in input order, whichever worker failed first. */
  async #settle(): Promise<void> {
    await Promise.all(this.#running);
    const [first] = this.#failures.sort((a, b) => a.order - b.order);
    if (first) throw first.error;
  }
}

const notANumber = (tensor: string, image: string): UserError =>
  new UserError(
    'CalibrationFailed',
    `Calibrating: tensor ${tensor} became NaN on ${image}. Run the model with onnxruntime on this image. If it gives NaN too, export the model again; otherwise check the preprocessing.`,
  );
