/** For each output the source position that is nearest, by repeated addition, so that rounding falls as in Pillow's affine transform. */
export const nearestAxis = (source: number, target: number): Int32Array => {
  const step = source / target;
  const positions = new Int32Array(target);
  for (let i = 0, at = step / 2; i < target; i++, at += step)
    positions[i] = Math.min(source - 1, Math.floor(at));
  return positions;
};
