/** Entry of a calibration worker thread: runs the network on one input at a time and counts the values of its tensors. */
import { parentPort } from 'node:worker_threads';
import type { PackedSegment } from '../../graph/inference/packed-segment.ts';
import { SegmentRunner } from '../../graph/inference/segment-runner.ts';
import type { FloatTensor } from '../../graph/inference/session.ts';
import { messageOf } from '../../ground/base/errors.ts';
import { BitCounter } from '../histograms/bit-counter.ts';
import { takeTable } from '../histograms/counter-table.ts';
import { Histogram } from '../histograms/histogram.ts';
import { allThresholds } from '../histograms/thresholds.ts';
import { ValueMemory } from '../histograms/value-memory.ts';
import {
  buffersOf,
  type HistogramData,
  type Measuring,
  toHistogramData,
  type WorkerRequest,
  type WorkerResponse,
} from './calibration-messages.ts';
import { divideTensors, sumShares } from './shares.ts';

class Thread {
  readonly #input: string;
  readonly #runner: SegmentRunner;
  readonly #scaled: Measuring['scaled'];
  readonly #counters: ReadonlyMap<string, BitCounter>;

  constructor({ input, measured, scaled, outputBytes }: Measuring) {
    const values = new ValueMemory(outputBytes);
    this.#input = input;
    this.#scaled = scaled;
    this.#runner = new SegmentRunner(values.block);
    this.#counters = new Map([...measured].map((name) => [name, new BitCounter(takeTable(values))]));
  }

  async take(segment: PackedSegment): Promise<WorkerResponse> {
    await this.#runner.open(segment);
    return { kind: 'done' };
  }

  async count(tensor: FloatTensor): Promise<WorkerResponse> {
    const infinite: string[] = [];
    let fault: WorkerResponse | undefined;
    const visit = (name: string, values: Float32Array): void => {
      const worst = this.#counters.get(name)?.add(values) ?? 'Finite';
      if (worst === 'NaN' || (worst === 'Infinite' && this.#scaled.has(name)))
        fault ??= { kind: 'notFinite', tensor: name, worst };
      else if (worst === 'Infinite') infinite.push(name);
    };
    visit(this.#input, tensor.data);
    await this.#runner.run(this.#input, tensor, visit);
    return fault ?? { kind: 'counted', infinite };
  }

  async finish(workers: number): Promise<WorkerResponse> {
    await this.#runner.close();
    const counted = [...this.#counters].map(
      ([name, counter]) => [name, toHistogramData(counter.histogram())] as const,
    );
    return divideTensors(new Map(counted), workers);
  }
}

const thresholdsOf = (histograms: readonly HistogramData[]): WorkerResponse => ({
  kind: 'thresholds',
  thresholds: histograms.map((each) => allThresholds(new Histogram(each, each))),
});

let thread: Thread | undefined;

const answerTo = async (question: Exclude<WorkerRequest, { kind: 'end' }>): Promise<WorkerResponse> => {
  switch (question.kind) {
    case 'open':
      thread = new Thread(question.measuring);
      return { kind: 'done' };
    case 'segment':
      return thread!.take(question.segment);
    case 'count':
      return thread!.count(question.tensor);
    case 'finish':
      return thread!.finish(question.workers);
    case 'sum':
      return sumShares(question.parts, question.choosing);
    case 'thresholds':
      return thresholdsOf(question.histograms);
  }
};

const failureResponse = (thrown: unknown): WorkerResponse => ({ kind: 'failed', message: messageOf(thrown) });

/** The histograms of an answer, which are moved, not copied. */
const movedBuffers = (answer: WorkerResponse): readonly ArrayBuffer[] => {
  if (answer.kind === 'counts') return buffersOf(answer.shares);
  return answer.kind === 'sums' ? buffersOf([answer.histograms]) : [];
};

let turn: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (question: WorkerRequest) => {
  turn = turn.then(async () => {
    if (question.kind === 'end') return parentPort?.close();
    const answer = await answerTo(question).catch(failureResponse);
    parentPort?.postMessage(answer, movedBuffers(answer));
  });
});
