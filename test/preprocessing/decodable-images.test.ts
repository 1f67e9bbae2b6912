/** Images on their way into a batch: their order, and how many of them are decoded at a time. */
import test from 'ava';
import { decodableImages } from '../../src/data/preprocessing/decodable-images.ts';
import { UserError } from '../../src/ground/base/errors.ts';

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

test('a large batch decodes a few images at a time and keeps their order', async (t) => {
  let [open, most] = [0, 0];
  const load = async (item: number) => {
    open += 1;
    most = Math.max(most, open);
    await turns((item * 7) % 5); // the later ones are often done first
    open -= 1;
    return { path: String(item), data: new Float32Array(1) };
  };
  const items = Array.from({ length: 40 }, (_, item) => item);
  const taken = await decodableImages(items.values(), { load, images: 40 })(40);
  t.deepEqual(
    taken.map(({ path }) => Number(path)),
    items,
  );
  t.true(most > 1 && most <= 4, `${most} at a time`);
});

test('the first broken image in order is reported, whichever failed first', async (t) => {
  const load = async (item: number) => {
    await turns(20 - item);
    if (item >= 2) throw new UserError('ImageInvalid', `image ${item}`);
    return { path: String(item), data: new Float32Array(1) };
  };
  const take = decodableImages([0, 1, 2, 3].values(), { load, images: 4 });
  t.is((await t.throwsAsync(take(4), { instanceOf: UserError })).message, 'image 2');
});
