/** Nearest source position of each output. Positions are accumulated by addition to round like Pillow's affine transform. */
export const nearestAxis = (source: number, target: number): Int32Array => {
  const step = source / target;
  const positions = new Int32Array(target);
  for (let i = 0, at = step / 2; i < target; i++, at += step)
    positions[i] = Math.min(source - 1, Math.floor(at));
  return positions;
};
