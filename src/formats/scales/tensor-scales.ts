/**
 * The scales that training with quantisation left, as TAO's `--cal_json_file` has them: a JSON object that maps the
 * name of a tensor to its range. Despite the file's word it is the range itself, not a 127th of it.
 *
 *     {
 *         "tensor_scales": {
 *             "input_1": 1.25
 */

/** Tensor → the largest absolute value that int8 tells apart: 127 × what a calibration cache has. */
export type TensorRanges = ReadonlyMap<string, number>;

export const writeTensorScales = (ranges: TensorRanges): string =>
  `${JSON.stringify({ tensor_scales: Object.fromEntries(ranges) }, undefined, 4)}\n`;
