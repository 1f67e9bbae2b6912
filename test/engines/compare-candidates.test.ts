/** The comparison of int8 graphs with float, on threads whose networks are tables of noise. */
import test from 'ava';
import {
  type Candidate,
  type ComparingThread,
  findClosest,
  pickImage,
} from '../../src/graph/builders/compare-candidates.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';

/** Noise of each image, by candidate. */
type Table = readonly (readonly number[])[];

const floatFile = 255;
const signal = 100;

/** Threads that run float, or the candidate of a file's first byte, and the images that each candidate ran. */
const threadsOf = (table: Table, count: number) => {
  const runs = table.map((): number[] => []);
  const threads = Array.from({ length: count }, (): ComparingThread => {
    let file = floatFile;
    return {
      open: async ([first]) => {
        file = first!;
      },
      run: async ({ x }) => {
        const image = x!.data[0]!;
        if (file !== floatFile) runs[file]!.push(image);
        const noise = file === floatFile ? 0 : Math.sqrt(table[file]![image]!);
        return { y: { data: Float32Array.of(signal, noise), dims: [1, 2] } };
      },
    };
  });
  return { threads, runs };
};

const compare = async (table: Table, count = 1) => {
  const { threads, runs } = threadsOf(table, count);
  const images = table[0]!.map((_, i) => ({ data: Float32Array.of(i), dims: [1, 1] }));
  const yardstick = { float: Uint8Array.of(floatFile), inputName: 'x', outputRoles: {}, images };
  const candidates = table.map((_, i): Candidate => ({ what: `${i}`, make: () => Uint8Array.of(i) }));
  return { ...(await findClosest(threads, yardstick, candidates)), runs };
};

test('the noisiest image comes first, the first one of equals, and noise that is no number before all', (t) => {
  t.is(pickImage(new Set([0, 1, 2]), [1, 3, 2]), 1);
  t.is(pickImage(new Set([0, 2]), [1, 3, 2]), 2);
  t.is(pickImage(new Set([0, 1, 2]), [0, 0, 0]), 0);
  t.is(pickImage(new Set([0, 1, 2]), [1, Number.POSITIVE_INFINITY, Number.NaN]), 1);
  t.is(pickImage(new Set([0, 1, 2]), [1, 5, Number.NaN]), 2);
});

test('a graph ends on the image that was the noisiest before it, if that alone is more than the least noise', async (t) => {
  const { best, first, runs } = await compare([
    [1, 1, 90, 4],
    [1, 1, 30, 4],
    [1, 1, 50, 1],
    [1, 1, 20, 17],
  ]);
  t.is(best.what, '1');
  t.is(Math.round(first.noise), 96);
  t.deepEqual(runs, [[0, 1, 2, 3], [2, 3, 0, 1], [2], [2, 3]]);
});

test('the first graph is compared on all images, even if it is the worst, and the earlier of equals is the closest', async (t) => {
  const { best, runs } = await compare([
    [9, 9],
    [1, 2],
    [2, 1],
  ]);
  t.is(best.what, '1');
  t.deepEqual(runs[0], [0, 1]);
});

test('the closest is that of a comparison on all images, by one thread and by two', async (t) => {
  const random = seededRandom(7);
  for (let round = 0; round < 50; round++) {
    const table = Array.from({ length: 5 }, () => Array.from({ length: 8 }, () => 1 + random() ** 8 * 100));
    const sums = table.map((row) => row.reduce((a, b) => a + b));
    for (const count of [1, 2]) {
      const { best, runs } = await compare(table, count);
      t.is(best.order, sums.indexOf(Math.min(...sums)));
      t.true(runs.every((each) => new Set(each).size === each.length));
    }
  }
});

test('float does not run again where its outputs are known', async (t) => {
  const { threads } = threadsOf([[4], [1]], 1);
  const opened: number[] = [];
  const watched: ComparingThread = {
    open: (file, options) => {
      opened.push(file[0]!);
      return threads[0]!.open(file, options);
    },
    run: (feeds) => threads[0]!.run(feeds),
  };
  const images = [{ data: Float32Array.of(0), dims: [1, 1] }];
  const float = [{ y: { data: Float32Array.of(signal, 0), dims: [1, 2] } }];
  const candidates = [0, 1].map((i): Candidate => ({ what: `${i}`, make: () => Uint8Array.of(i) }));
  const yardstick = { float, inputName: 'x', outputRoles: {}, images };
  const { best, first } = await findClosest([watched], yardstick, candidates);
  t.deepEqual(opened, [0, 1]);
  t.is(best.what, '1');
  t.is(Math.round(first.noise), 4);
});

test('the next graph is made while a thread opens the one before, and float runs on all images meanwhile', async (t) => {
  const events: string[] = [];
  const { threads } = threadsOf(
    [
      [1, 2],
      [2, 3],
    ],
    1,
  );
  const [thread] = threads;
  const watched: ComparingThread = {
    open: async (file, options) => {
      events.push(`opens ${file[0]}`);
      await thread!.open(file, options);
      events.push(`has ${file[0]}`);
    },
    run: (feeds) => {
      events.push(`runs image ${feeds.x!.data[0]}`);
      return thread!.run(feeds);
    },
  };
  const images = [0, 1].map((i) => ({ data: Float32Array.of(i), dims: [1, 1] }));
  const make = (i: number) => () => {
    events.push(`makes ${i}`);
    return Uint8Array.of(i);
  };
  const candidates = [0, 1].map((i): Candidate => ({ what: `${i}`, make: make(i) }));
  const yardstick = { float: Uint8Array.of(floatFile), inputName: 'x', outputRoles: {}, images };
  await findClosest([watched], yardstick, candidates);
  t.deepEqual(events.slice(0, 8), [
    ...['opens 255', 'has 255', 'runs image 0', 'runs image 1'],
    ...['makes 0', 'opens 0', 'makes 1', 'has 0'],
  ]);
});
