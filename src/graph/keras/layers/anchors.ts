/**
 * Layers that generate a detector's anchors: values that depend only on the size of their input and are the same for
 * each image. Their files have no weights; the configuration defines the anchors. SSD arXiv 1512.02325, RetinaNet
 * 1708.02002, YOLOv3 1804.02767.
 */
import { requireWithin } from '../../../ground/base/limits.ts';
import { invalidLayer, unsupportedLayer } from '../fault.ts';
import { type Converter, type Layer, repeatForEachItem, requireSoleInput } from '../layer.ts';
import { plainOrder, type Value } from '../value.ts';

type Grid = readonly [rows: number, columns: number];

/** Rows and columns of the anchors' feature map, channels_first as in TLT. */
const gridOf = (layer: Layer, { shape }: Value): Grid => {
  const [, rows, columns] = shape;
  if (shape.length !== 3) throw invalidLayer(layer, 'its input is not an image');
  if (rows === undefined || columns === undefined)
    throw unsupportedLayer(layer, 'the size of its image is free; anchors need a fixed one');
  if (rows * columns > mostCells) throw invalidLayer(layer, `its image has ${rows} × ${columns} cells`);
  return [rows, columns];
};

/** Cells of the largest images at the finest stride; more mean a damaged file. */
const mostCells = 2 ** 20;

const makeAnchorValue = (layer: Layer, like: Value, { shape, values }: AnchorValues): Value => ({
  name: repeatForEachItem(layer, like.name, { as: 'FirstDimTile/Tile', shape, values }),
  shape,
  order: plainOrder(shape.length),
});

type AnchorValues = { readonly shape: readonly number[]; readonly values: Float32Array };

type Side = readonly [width: number, height: number];

/** Sides of the anchors in pixels; a ratio of 1 may have a second, larger one. */
const anchorSides = ({ config }: Layer, levels: readonly number[]): readonly Side[] => {
  const shorter = Math.min(config.count('img_height'), config.count('img_width'));
  const [scale, next] = [config.number('this_scale', 0), config.number('next_scale', 0)];
  const hasTwo = config.flag('two_boxes_for_ar1', true);
  const ratios = config.positives('aspect_ratios');
  return levels.flatMap((level) =>
    ratios.flatMap((ratio): Side[] => {
      const side = scale * shorter * level;
      if (ratio !== 1) return [[side * Math.sqrt(ratio), side / Math.sqrt(ratio)]];
      const second = Math.sqrt(scale * next) * shorter * level;
      return hasTwo ? [square(side), square(second)] : [square(side)];
    }),
  );
};

const square = (side: number): Side => [side, side];

/** Length of the image along an axis, and distance and offset of its cells. */
type Axis = { readonly length: number; readonly step: number; readonly offset: number };

/** TLT's files omit steps and offsets: cells of equal size, anchors at their centres. */
const axisOf = ({ config }: Layer, cells: number, index: 0 | 1): Axis => {
  const length = config.count(index === 0 ? 'img_height' : 'img_width');
  const given = (name: string) => (config.raw(name) === undefined ? undefined : config.positives(name));
  const along = (values: readonly number[] | undefined) => values?.[Math.min(index, values.length - 1)];
  return {
    length,
    step: along(given('this_steps')) ?? length / cells,
    offset: along(given('this_offsets')) ?? 0.5,
  };
};

/** Rows of left, top, right, bottom as fractions of the image, and four variances. */
const anchorBoxes =
  (levelsOf: (layer: Layer) => readonly number[]): Converter =>
  (layer, inputs) => {
    const input = requireSoleInput(layer, inputs);
    const [rows, columns] = gridOf(layer, input);
    const sides = anchorSides(layer, levelsOf(layer));
    const variances = layer.config.positives('variances');
    if (sides.length === 0 || variances.length !== 4)
      throw invalidLayer(layer, `it has ${sides.length} anchors and ${variances.length} variances`);
    const [high, wide] = [axisOf(layer, rows, 0), axisOf(layer, columns, 1)];
    const isClipped = layer.config.flag('clip_boxes', false);
    const values = constants(layer, rows * columns * sides.length * 8);
    let at = 0;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (const [width, height] of sides) {
          const [left, right] = ends(wide, { cell: column, side: width, isClipped });
          const [top, bottom] = ends(high, { cell: row, side: height, isClipped });
          values.set([left, top, right, bottom, ...variances], at);
          at += 8;
        }
    return makeAnchorValue(layer, input, { shape: [rows * columns, sides.length, 8], values });
  };

const constants = (layer: Layer, count: number): Float32Array => {
  requireWithin('kerasConstantBytes', {
    claimed: count * Float32Array.BYTES_PER_ELEMENT,
    reason: 'ModelUnsupported',
    found: `Converting the layer ${layer.path}: its anchors take`,
  });
  return new Float32Array(count);
};

type Cell = { readonly cell: number; readonly side: number; readonly isClipped: boolean };

const ends = ({ length, step, offset }: Axis, { cell, side, isClipped }: Cell): readonly [number, number] => {
  const middle = (cell + offset) * step;
  const inside = (end: number) => (end >= length ? length - 1 : Math.max(0, end));
  const part = (end: number) => (isClipped ? inside(end) : end) / length;
  return [part(middle - side / 2), part(middle + side / 2)];
};

/** RetinaNet has each anchor in several sizes within an octave. */
const octave = ({ config }: Layer): readonly number[] => {
  const levels = Math.min(config.count('n_anchor_levels', 3), mostShapes);
  return Array.from({ length: levels }, (_, i) => 2 ** (i / levels));
};

/** Rows of cell y, x, anchor height, width, step y, x as fractions of the image. */
const yoloAnchors: Converter = (layer, inputs) => {
  const input = requireSoleInput(layer, inputs);
  const [rows, columns] = gridOf(layer, input);
  const sides = pairsOf(layer, layer.config.raw('anchor_size'));
  const [high, wide] = [1 / rows, 1 / columns];
  const values = constants(layer, rows * columns * sides.length * 6);
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (const [width, height] of sides) {
        values.set([row * high, column * wide, height, width, high, wide], at);
        at += 6;
      }
  return makeAnchorValue(layer, input, { shape: [rows * columns * sides.length, 6], values });
};

/** Maximum number of anchors per cell. */
const mostShapes = 256;

const pairsOf = (layer: Layer, value: unknown): readonly Side[] => {
  const isPair = (each: unknown): each is Side =>
    Array.isArray(each) && each.length === 2 && each.every((side) => Number.isFinite(side) && side > 0);
  const sides = Array.isArray(value) && value.length <= mostShapes ? value : [];
  if (sides.length > 0 && sides.every(isPair)) return sides;
  throw invalidLayer(layer, 'its anchor_size is not a list of widths and heights');
};

/** Training layers of faster_rcnn, whose parameters for inference are in the experiment spec. */
const needsSpec: Converter = (layer) => {
  throw unsupportedLayer(
    layer,
    'its parameters for inference are in the experiment spec, which is missing (-e)',
  );
};

/** Converters by class name. */
export const anchorLayers: Readonly<Record<string, Converter>> = {
  AnchorBoxes: anchorBoxes(() => [1]),
  RetinaAnchorBoxes: anchorBoxes(octave),
  YOLOAnchorBox: yoloAnchors,
  Proposal: needsSpec,
  ProposalTarget: needsSpec,
  CropAndResize: needsSpec,
};
