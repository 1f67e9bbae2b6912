/**
 * A tensor of the graph under construction. Keras knows it by `shape`; in the ONNX graph its axes may have another
 * order, because images are N,C,H,W whatever the layer's data_format. Layers of both formats become the same nodes,
 * without transposes between them.
 */
export type Value = {
  /** Name of the ONNX tensor. */
  readonly name: string;
  /** Sizes in Keras's order of axes, without the batch; undefined if free. */
  readonly shape: readonly Size[];
  /**
   * `order[i]` is the axis of `shape` at position i (after the batch) of the ONNX tensor. Axis 0 is missing if it is
   * part of the batch, as for faster_rcnn's regions.
   */
  readonly order: readonly number[];
  /** No element is negative, as after a ReLU. */
  readonly nonNegative?: boolean;
};

/** Size of an axis; undefined if free. */
export type Size = number | undefined;

/** Axes in Keras's own order. */
export const plainOrder = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** Order of an image stored as C,H,W. */
export const imageOrder = (channelsFirst: boolean): readonly number[] =>
  channelsFirst ? [0, 1, 2] : [2, 0, 1];

/** Whether two orders of axes are equal. */
export const sameOrder = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

/** Sizes in the order of the ONNX tensor, without the batch. */
export const sizesInOrder = ({ shape, order }: Pick<Value, 'shape' | 'order'>): Size[] =>
  order.map((axis) => shape[axis]);

/**
 * Converts Keras's axis (the batch is 0, negative ones count from the end) to an index into `shape`; undefined for the
 * batch or an axis that does not exist.
 */
export const axisIn = ({ shape }: Value, axis: number): number | undefined => {
  const index = axis < 0 ? shape.length + axis : axis - 1;
  return index >= 0 && index < shape.length ? index : undefined;
};

/** Number of elements of one item of the batch; undefined if a size is free. */
export const elementsOf = (shape: readonly Size[]): number | undefined =>
  shape.reduce<Size>(
    (product, size) => (product === undefined || size === undefined ? undefined : product * size),
    1,
  );
