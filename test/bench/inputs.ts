/** Images in the input format of a case's network. The next image is decoded while one is used. */
import type { Batch } from '../../src/data/preprocessing/batches.ts';
import { decodeImage } from '../../src/data/preprocessing/decode.ts';
import { normaliseInto, type Pixels, scaleOf } from '../../src/data/preprocessing/normalise.ts';
import type { Task } from './cases.ts';

export const shapeOf = ({ layout, height, width }: Task): readonly [number, number, number, number] =>
  layout === 'NCHW' ? [1, 3, height, width] : [1, height, width, 3];

export async function* inputsOf(task: Task): AsyncGenerator<Batch> {
  const load = async (path: string): Promise<Batch> => {
    const pixels = await decodeImage(path, { width: task.width, height: task.height, channels: 3 });
    return { data: valuesOf(pixels, task), dims: shapeOf(task), paths: [path] };
  };
  let next = load(task.images[0]!);
  for (const index of task.images.keys()) {
    const current = await next;
    const following = task.images[index + 1];
    if (following !== undefined) next = load(following);
    yield current;
  }
}

const valuesOf = (pixels: Pixels, { layout, preprocessing }: Task): Float32Array => {
  const values = new Float32Array(pixels.data.length);
  if (layout === 'NCHW') normaliseInto(values, 0, pixels, preprocessing);
  else interleave(values, pixels, preprocessing);
  return values;
};

const interleave = (target: Float32Array, { data }: Pixels, rule: Task['preprocessing']): void => {
  const { order, mean } = rule;
  for (let channel = 0; channel < 3; channel++) {
    const from = order === 'BGR' ? 2 - channel : channel;
    const scale = scaleOf(rule, channel);
    for (let pixel = 0; pixel < data.length; pixel += 3)
      target[pixel + channel] = (data[pixel + from]! - mean[channel]!) * scale;
  }
};
