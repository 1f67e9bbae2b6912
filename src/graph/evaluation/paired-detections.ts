/**
 * Which boxes of one detector are those of another. Rows of boxes cannot be compared place by place: a score that moves a
 * little moves its row. Pairs have the same class and overlap by half at least; the best of the first choose first.
 */
import type { Detection } from './detections.ts';

export type Pairing = {
  /** Boxes that either is sure of. */
  readonly seen: number;
  /** Of them, those that have a partner. */
  readonly matched: number;
  /** Σx² over scores and corners of the first's boxes, Σ(x − y)² to their partners, none being zero. */
  readonly signal: number;
  readonly noise: number;
};

/** A box counts from this score on; its partner needs half of it, since a threshold between the two means little. */
const sureFrom = 0.5;
const leastOverlap = 0.5;

export const pairing = (reference: readonly Detection[], other: readonly Detection[]): Pairing => {
  const left = new Set(other.filter(({ score }) => score >= sureFrom / 2));
  let [seen, matched, signal, noise] = [0, 0, 0, 0];
  for (const box of reference) {
    if (box.score < sureFrom / 2) continue;
    const partner = partnerOf(box, left);
    if (partner) left.delete(partner);
    if (Math.max(box.score, partner?.score ?? 0) < sureFrom) continue;
    seen++;
    if (partner) matched++;
    signal += squares(box, undefined);
    noise += squares(box, partner);
  }
  for (const box of left) {
    if (box.score < sureFrom) continue;
    seen++;
    noise += squares(box, undefined);
  }
  return { seen, matched, signal, noise };
};

const partnerOf = (box: Detection, among: ReadonlySet<Detection>): Detection | undefined => {
  let [best, most]: [Detection | undefined, number] = [undefined, leastOverlap];
  for (const each of among) {
    const overlap = each.label === box.label ? overlapOf(each.box, box.box) : 0;
    if (overlap >= most) [best, most] = [each, overlap];
  }
  return best;
};

const squares = (a: Detection, b: Detection | undefined): number => {
  const values = [a.score, ...a.box];
  const others = b ? [b.score, ...b.box] : [];
  return values.reduce((sum, value, i) => sum + (value - (others[i] ?? 0)) ** 2, 0);
};

/** Intersection over union. */
const overlapOf = (a: Float32Array, b: Float32Array): number => {
  const width = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
  const height = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
};

const areaOf = (box: Float32Array): number => (box[2]! - box[0]!) * (box[3]! - box[1]!);
