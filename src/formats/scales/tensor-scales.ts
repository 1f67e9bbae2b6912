/**
 * The ranges of quantisation-aware training in the format of TAO's `--cal_json_file`: a JSON object that maps each
 * tensor to its range. Despite the key `tensor_scales` the number is the range, not range / 127.
 *
 *     {
 *         "tensor_scales": {
 *             "input_1": 1.25
 */

/** Tensor → range, the largest absolute value that int8 represents: 127 × the scale in a calibration cache. */
export type TensorRanges = ReadonlyMap<string, number>;

/** Writes the JSON file, in the map's order. */
export const writeTensorScales = (ranges: TensorRanges): string =>
  `${JSON.stringify({ tensor_scales: Object.fromEntries(ranges) }, undefined, 4)}\n`;
