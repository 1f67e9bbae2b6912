/** How well two models agree on the same images. */
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { FloatTensor } from '../inference/session.ts';
import { detectionsIn } from './detections.ts';
import { coverageAmong, rolesByName } from './output-roles.ts';
import { pairing } from './paired-detections.ts';

export type Agreement = {
  readonly images: number;
  /**
   * Signal to quantisation noise over all outputs, in decibel: 10·log10(Σx² / Σ(x − y)²). Infinity if equal. Lists of
   * detections count only where there is nothing else, and then pair by pair.
   */
  readonly sqnrDb: number;
  /** The same of each output, but for lists of detections. */
  readonly outputs: readonly { readonly name: string; readonly sqnrDb: number }[];
  /** Root of the mean squared difference over all values of all outputs. */
  readonly rmse: number;
  /** Share of images with the same largest output; only where an output has one row of classes for each image. */
  readonly top1: number | undefined;
  /**
   * Of the grid cells where either model sees an object (coverage ≥ 0.5), the share where both do; only where an
   * output is DetectNet's coverage and either model saw anything.
   */
  readonly matchedCells: number | undefined;
  /** Boxes that either model is sure of (score ≥ 0.5), where outputs are lists of detections. */
  readonly boxes: number;
  /** The share of them that both have; undefined if there is none. */
  readonly matchedBoxes: number | undefined;
};

type Outputs = Readonly<Record<string, FloatTensor>>;

/** The agreement over batches that need not be in memory together. */
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

  /** Outputs of one batch of so many images; each of the reference's must be in the other. */
  add(reference: Outputs, other: Outputs, images: number): void {
    const roles = this.#roles ?? rolesByName(Object.keys(reference));
    const lists = detectionsIn(reference, roles)?.names ?? [];
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

  /** A NaN anywhere, or an infinity in one of both, makes the ratio minus infinity. */
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
      const [value, other] = [data[i]!, compared[i]!];
      if (value === other && !Number.isFinite(value)) continue; // the same infinity: what a mask hides
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
    const found = detectionsIn(other, roles)!.images;
    for (const [image, boxes] of detectionsIn(reference, roles)!.images.entries()) {
      const { seen, matched, signal, noise } = pairing(boxes, found[image]!);
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

type Lists = { readonly reference: Outputs; readonly other: Outputs; readonly roles: OutputRoles };

type Sums = { readonly signal: number; readonly noise: number };

const ratioOf = ({ signal, noise }: Sums): number => {
  const ratio = noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  return Number.isNaN(ratio) ? Number.NEGATIVE_INFINITY : ratio;
};

/** [images, classes]: a detector with [anchors, classes] has its first dimension from elsewhere. */
const hasRowEach = ({ dims }: FloatTensor, images: number): boolean =>
  dims.length === 2 && dims[0] === images && dims[1]! > 1;

/** Coverage from which a cell counts as one that sees an object. */
const seenFrom = 0.5;

const largestAt = (values: Float32Array, from: number, count: number): number => {
  let best = from;
  for (let i = from + 1; i < from + count; i++) if (values[i]! > values[best]!) best = i;
  return best - from;
};
