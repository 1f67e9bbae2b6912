/**
 * Matches the boxes of two detectors. Rows of boxes cannot be compared by position, because a small change of a score
 * moves its row. Matched boxes have the same class and an overlap of at least half; the reference's best boxes choose
 * first.
 */
import type { Detection } from './detections.ts';

/** Result of matching two lists of boxes. */
export type Pairing = {
  /** Boxes with score ≥ 0.5 in either list. */
  readonly seen: number;
  /** Boxes among `seen` that have a match. */
  readonly matched: number;
  /**
   * Signal Σx² over scores and corners of the reference's boxes; noise Σ(x − y)² to their matches, 0 for a missing one.
   */
  readonly signal: number;
  readonly noise: number;
};

/** Minimum score of a counted box; its match needs half of it, so that a score near the threshold does not decide. */
const sureFrom = 0.5;
const leastOverlap = 0.5;

/** Matches the boxes of one image. */
export const pairDetections = (reference: readonly Detection[], other: readonly Detection[]): Pairing => {
  const left = new Set(other.filter(({ score }) => score >= sureFrom / 2));
  let [seen, matched, signal, noise] = [0, 0, 0, 0];
  for (const box of reference) {
    if (box.score < sureFrom / 2) continue;
    const partner = findPartner(box, left);
    if (partner) left.delete(partner);
    if (Math.max(box.score, partner?.score ?? 0) < sureFrom) continue;
    seen++;
    if (partner) matched++;
    signal += squaredDifference(box, undefined);
    noise += squaredDifference(box, partner);
  }
  for (const box of left) {
    if (box.score < sureFrom) continue;
    seen++;
    noise += squaredDifference(box, undefined);
  }
  return { seen, matched, signal, noise };
};

const findPartner = (box: Detection, among: ReadonlySet<Detection>): Detection | undefined => {
  let [best, most]: [Detection | undefined, number] = [undefined, leastOverlap];
  for (const each of among) {
    const overlap = each.label === box.label ? overlapOf(each.box, box.box) : 0;
    if (overlap >= most) [best, most] = [each, overlap];
  }
  return best;
};

const squaredDifference = (a: Detection, b: Detection | undefined): number => {
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
