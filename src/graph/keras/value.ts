/**
 * A tensor of the graph in the making. Keras knows it by `shape`; in the ONNX graph its axes may lie in another order,
 * because images are kept as N,C,H,W whatever the layer's data_format says: layers of both formats become the same
 * nodes, and nothing is transposed between them.
 */
export type Value = {
  /** The ONNX tensor. */
  readonly name: string;
  /** Sizes as Keras counts its axes, the batch left out; undefined for a free one. */
  readonly shape: readonly Size[];
  /**
   * `order[i]` is the axis of `shape` that lies at place i (after the batch) of the ONNX tensor. Axis 0 is not in it where
   * it lies inside of the batch: faster_rcnn's regions.
   */
  readonly order: readonly number[];
  /** No element is below zero, as behind a ReLU. */
  readonly nonNegative?: boolean;
};

export type Size = number | undefined;

/** Axes in Keras's own order. */
export const plainOrder = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** The order of an image that lies as C,H,W. */
export const imageOrder = (channelsFirst: boolean): readonly number[] =>
  channelsFirst ? [0, 1, 2] : [2, 0, 1];

export const sameOrder = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

/** Sizes in the order of the ONNX tensor, the batch left out. */
export const sizesInOrder = ({ shape, order }: Pick<Value, 'shape' | 'order'>): Size[] =>
  order.map((axis) => shape[axis]);

/**
 * Keras's axis (the batch is 0, negative ones count from the end) as an index into `shape`; undefined for the batch or
 * an axis that is not there.
 */
export const axisIn = ({ shape }: Value, axis: number): number | undefined => {
  const index = axis < 0 ? shape.length + axis : axis - 1;
  return index >= 0 && index < shape.length ? index : undefined;
};

/** Elements of one item of the batch; undefined if a size is free. */
export const elementsOf = (shape: readonly Size[]): number | undefined =>
  shape.reduce<Size>(
    (product, size) => (product === undefined || size === undefined ? undefined : product * size),
    1,
  );
