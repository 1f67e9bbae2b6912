/**
 * Reads boxes from the outputs of TensorRT's NMS plugins, which are recognised by name; rows beyond the count are
 * skipped.
 */
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { FloatTensor, FloatTensors } from '../inference/session.ts';
import { rolesByName } from './output-roles.ts';

/** One detected box. */
export type Detection = {
  readonly label: number;
  readonly score: number;
  /** Left, top, right, bottom. */
  readonly box: Float32Array;
};

type FoundDetections = {
  /** Detections of each image of the batch, best first. */
  readonly images: readonly (readonly Detection[])[];
  /** The outputs that hold them. */
  readonly names: readonly string[];
};

/** Finds the detections in a model's outputs; undefined for a model without NMS outputs. */
export const findDetections = (
  outputs: FloatTensors,
  roles: OutputRoles = rolesByName(Object.keys(outputs)),
): FoundDetections | undefined => {
  const { detections } = roles;
  if (detections === undefined) return undefined;
  if ('rows' in detections)
    return { images: readRowDetections(outputs[detections.rows]!), names: [detections.rows] };
  const names = [detections.boxes, detections.scores, detections.labels];
  const [boxes, scores, labels] = names.map((name) => outputs[name]!);
  return { images: readColumnDetections(boxes!, scores!, labels!), names };
};

/** Reads [N,1,K,7]: image, label, score and box. */
const readRowDetections = ({ data, dims }: FloatTensor): Detection[][] => {
  const [images = 0, , count = 0] = dims;
  return Array.from({ length: images }, (_, image) =>
    Array.from({ length: count }, (__, i) =>
      data.subarray((image * count + i) * 7, (image * count + i + 1) * 7),
    )
      .filter((row) => row[1]! >= 0)
      .map((row) => ({ label: row[1]!, score: row[2]!, box: row.subarray(3) })),
  );
};

/** Reads boxes [N,K,4], scores [N,K] and labels [N,K]. */
const readColumnDetections = (
  boxes: FloatTensor,
  scores: FloatTensor,
  labels: FloatTensor,
): Detection[][] => {
  const [images = 0, count = 0] = labels.dims;
  return Array.from({ length: images }, (_, image) =>
    Array.from({ length: count }, (__, i) => image * count + i)
      .filter((at) => labels.data[at]! >= 0)
      .map((at) => ({
        label: labels.data[at]!,
        score: scores.data[at]!,
        box: boxes.data.subarray(at * 4, at * 4 + 4),
      })),
  );
};
