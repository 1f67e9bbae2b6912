/** Boxes in the outputs of TensorRT's NMS plugins, told by the outputs' names; rows beyond the count are left out. */
import { architectures } from '../../ground/contract/architectures.ts';
import type { FloatTensor } from '../inference/session.ts';

export type Detection = {
  readonly label: number;
  readonly score: number;
  /** Left, top, right, bottom. */
  readonly box: Float32Array;
};

type Outputs = Readonly<Record<string, FloatTensor>>;
type Found = {
  /** Of each image of the batch, best first. */
  readonly images: readonly (readonly Detection[])[];
  /** The outputs that hold them. */
  readonly names: readonly string[];
};

/** Undefined for outputs of a model that ends otherwise. */
export const detectionsIn = (outputs: Outputs): Found | undefined => {
  const named = (wanted: string) => Object.keys(outputs).find((name) => name.replace(/:0$/, '') === wanted);
  const rows = rowOutputs.map(named).find((name) => name !== undefined);
  if (rows !== undefined) return { images: inRows(outputs[rows]!), names: [rows] };
  const columns = columnOutputs.flatMap((wanted) => named(wanted) ?? []);
  if (columns.length < columnOutputs.length) return undefined;
  const [boxes, scores, labels] = columns.map((name) => outputs[name]!);
  return { images: inColumns(boxes!, scores!, labels!), names: columns };
};

const rowOutputs = [architectures.ssd.outputs[0], architectures.faster_rcnn.outputs[0]];
const columnOutputs = architectures.yolo.outputs.slice(1);

/** [N,1,K,7]: image, label, score and box. */
const inRows = ({ data, dims }: FloatTensor): Detection[][] => {
  const [images = 0, , count = 0] = dims;
  return Array.from({ length: images }, (_, image) =>
    Array.from({ length: count }, (__, i) =>
      data.subarray((image * count + i) * 7, (image * count + i + 1) * 7),
    )
      .filter((row) => row[1]! >= 0)
      .map((row) => ({ label: row[1]!, score: row[2]!, box: row.subarray(3) })),
  );
};

/** [N,K,4], [N,K] and [N,K]. */
const inColumns = (boxes: FloatTensor, scores: FloatTensor, labels: FloatTensor): Detection[][] => {
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
