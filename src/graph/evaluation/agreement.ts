/** Measures how closely two models agree on the same images. */
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { FloatTensor, FloatTensors } from '../inference/session.ts';
import { findDetections } from './detections.ts';
import { coverageAmong, rolesByName } from './output-roles.ts';
import { pairDetections } from './paired-detections.ts';

/** Agreement of a model with its reference. */
export type Agreement = {
  readonly images: number;
  /**
   * Signal-to-quantisation-noise ratio over all outputs, in dB: 10·log10(Σx² / Σ(x − y)²); Infinity if equal. Lists of
   * detections count only if there is no other output, and then pair by pair.
   */
  readonly sqnrDb: number;
  /** SQNR of each output, except lists of detections. */
  readonly outputs: readonly { readonly name: string; readonly sqnrDb: number }[];
  /** Root mean squared difference over all values of all outputs. */
  readonly rmse: number;
  /** Share of images with the same top class; undefined unless an output has one row of classes per image. */
  readonly top1: number | undefined;
  /**
   * Share of grid cells where both models detect an object (coverage ≥ 0.5), among cells where either does; undefined
   * unless an output is DetectNet's coverage and either model detects anything.
   */
  readonly matchedCells: number | undefined;
  /** Number of boxes that either model finds with score ≥ 0.5, if outputs are lists of detections. */
  readonly boxes: number;
  /** Share of these boxes that both models find; undefined if there are none. */
  readonly matchedBoxes: number | undefined;
};

/** Sums the agreement over batches. */
export class AgreementSum {
  readonly #roles: OutputRoles | undefined;
  #images = 0;
  #signal = 0;
  #noise = 0;
  #values = 0;
  readonly #outputs = new Map<string, Sums>();
  #classified = 0;
  #sameClass = 0;
  #seen = 0;
  #seenByBoth = 0;
  #boxes = 0;
  #matchedBoxes = 0;

  /** Without roles, outputs have those that TLT's names say. */
  constructor(roles?: OutputRoles) {
    this.#roles = roles;
  }

  /** Sum of squared differences so far. */
  get noise(): number {
    return this.#noise;
  }

  /** Adds the outputs of one batch of `images` images; `other` must have every output of `reference`. */
  add(reference: FloatTensors, other: FloatTensors, images: number): void {
    const roles = this.#roles ?? rolesByName(Object.keys(reference));
    const lists = findDetections(reference, roles)?.names ?? [];
    const coverage = coverageAmong(reference, roles);
    const single = Object.entries(reference).filter(([name]) => !lists.includes(name));
    if (lists.length > 0) this.#addDetections({ reference, other, roles }, single.length === 0);
    for (const [name, tensor] of single) {
      const compared = other[name]!.data;
      this.#addNoise(name, tensor.data, compared);
      if (hasRowEach(tensor, images)) this.#addClasses(tensor, compared);
      if (name === coverage) this.#addCells(tensor.data, compared);
    }
    this.#images += images;
  }

  /**
   * Whether the ratio cannot exceed that of a complete sum with the same reference, whatever is still added: noise only grows, and the
   * signal is the same. Unknown, and so false, for lists of detections, whose signal depends on the boxes that both find.
   */
  cannotExceed(complete: AgreementSum): boolean {
    const hasBoxes = this.#boxes + complete.#boxes > 0;
    return !hasBoxes && infiniteIfNaN(this.#noise) >= infiniteIfNaN(complete.#noise);
  }

  /** The agreement so far. The ratio is −Infinity if any value is NaN, or infinite in one model only. */
  agreement(): Agreement {
    const noise = this.#noise;
    return {
      images: this.#images,
      sqnrDb: ratioOf({ signal: this.#signal, noise }),
      outputs: [...this.#outputs].map(([name, sums]) => ({ name, sqnrDb: ratioOf(sums) })),
      rmse: this.#values === 0 ? 0 : Math.sqrt(noise / this.#values),
      top1: this.#classified === 0 ? undefined : this.#sameClass / this.#classified,
      matchedCells: this.#seen === 0 ? undefined : this.#seenByBoth / this.#seen,
      boxes: this.#boxes,
      matchedBoxes: this.#boxes === 0 ? undefined : this.#matchedBoxes / this.#boxes,
    };
  }

  #addNoise(name: string, data: Float32Array, compared: Float32Array): void {
    let [signal, noise] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      // Not as one array of two, which V8 builds for each value.
      const value = data[i]!;
      const other = compared[i]!;
      if (value === other && !Number.isFinite(value)) continue; // the same infinity in both, as masks produce it
      signal += value ** 2;
      noise += (value - other) ** 2;
    }
    const before = this.#outputs.get(name) ?? { signal: 0, noise: 0 };
    this.#outputs.set(name, { signal: before.signal + signal, noise: before.noise + noise });
    this.#signal += signal;
    this.#noise += noise;
    this.#values += data.length;
  }

  #addDetections({ reference, other, roles }: Lists, isAll: boolean): void {
    const found = findDetections(other, roles)!.images;
    for (const [image, boxes] of findDetections(reference, roles)!.images.entries()) {
      const { seen, matched, signal, noise } = pairDetections(boxes, found[image]!);
      this.#boxes += seen;
      this.#matchedBoxes += matched;
      if (!isAll) continue;
      this.#signal += signal;
      this.#noise += noise;
      this.#values += 5 * seen;
    }
  }

  #addClasses({ data, dims }: FloatTensor, compared: Float32Array): void {
    const [images, classes] = dims as readonly [number, number];
    for (let from = 0; from < images * classes; from += classes)
      if (largestAt(data, from, classes) === largestAt(compared, from, classes)) this.#sameClass++;
    this.#classified += images;
  }

  #addCells(data: Float32Array, compared: Float32Array): void {
    for (let i = 0; i < data.length; i++) {
      const [sees, otherSees] = [data[i]! >= seenFrom, compared[i]! >= seenFrom];
      if (sees || otherSees) this.#seen++;
      if (sees && otherSees) this.#seenByBoth++;
    }
  }
}

type Lists = { readonly reference: FloatTensors; readonly other: FloatTensors; readonly roles: OutputRoles };

type Sums = { readonly signal: number; readonly noise: number };

const infiniteIfNaN = (noise: number): number => (Number.isNaN(noise) ? Number.POSITIVE_INFINITY : noise);

const ratioOf = ({ signal, noise }: Sums): number => {
  const ratio = noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  return Number.isNaN(ratio) ? Number.NEGATIVE_INFINITY : ratio;
};

/** True for [images, classes]; the first dimension of a detector's [anchors, classes] is not the number of images. */
const hasRowEach = ({ dims }: FloatTensor, images: number): boolean =>
  dims.length === 2 && dims[0] === images && dims[1]! > 1;

/** Minimum coverage of a cell that detects an object. */
const seenFrom = 0.5;

const largestAt = (values: Float32Array, from: number, count: number): number => {
  let best = from;
  for (let i = from + 1; i < from + count; i++) if (values[i]! > values[best]!) best = i;
  return best - from;
};
