/** Why each HDF5 file has an instance of libhdf5 of its own, and that it has. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openHdf5 } from '../../src/formats/hdf5/hdf5.ts';
import { readHdf5Contents } from '../../src/formats/hdf5/hdf5-contents.ts';
import { type Library, startLibrary } from '../../src/formats/hdf5/hdf5-library.ts';
import { type KerasFile, withKerasFile } from '../../src/formats/hdf5/keras-file.ts';
import { readTensorfileBatches } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';
import { kerasBytes } from '../keras/fixtures.ts';

const sound = kerasBytes('squeezenet');
const damaged = sound.slice(0, 3000);
const folder = mkdtempSync(join(tmpdir(), 'tlt-test-instances-'));
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

/** Whether the library opens the file. */
const opens = (library: Library, name: string): boolean => {
  try {
    library.close_file(library.open(name, library.H5F_ACC_RDONLY, false, -1, -1));
    return true;
  } catch {
    return false;
  }
};

test.serial('after some thousand damaged files, one instance cannot read valid files any more', async (t) => {
  const library = await startLibrary();
  library.FS.writeFile('/damaged', damaged);
  library.FS.writeFile('/sound', sound);
  t.true(opens(library, '/sound'));
  let failed = 0;
  while (failed < 10_000 && (failed % 50 > 0 || opens(library, '/sound'))) {
    t.false(opens(library, '/damaged'));
    failed++;
  }
  t.true(failed < 10_000, 'libhdf5 survives its errors now, so files could share an instance');
  t.log(`broken after ${failed} damaged files`);
});

/** How many instances of WebAssembly a piece of work starts; tests of this file run one after the other. */
const instancesOf = async (work: () => Promise<unknown>): Promise<number> => {
  const { Instance, instantiate } = WebAssembly;
  let count = 0;
  const counted = <T extends object>(made: T): T => {
    count++;
    return made;
  };
  WebAssembly.Instance = new Proxy(Instance, {
    construct: (target, args) => counted(Reflect.construct(target, args) as object),
  });
  WebAssembly.instantiate = ((...args: Parameters<typeof instantiate>) =>
    counted(instantiate(...args))) as typeof instantiate;
  try {
    await work();
  } finally {
    Object.assign(WebAssembly, { Instance, instantiate });
  }
  return count;
};

const network = ({ network: found }: KerasFile): unknown => found;
const batch = (path: string) =>
  readTensorfileBatches(path, { channels: 3, height: 4, width: 5, batches: 1, batchSize: 1, rows: 1 }).next();

const readers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'a Keras model': (path) => withKerasFile({ path }, network),
  'a tensorfile': batch,
  'a file that is inspected': readHdf5Contents,
};
for (const [what, read] of Object.entries(readers))
  test.serial(
    `${what}: every file starts an instance, and a damaged file does not affect the next one`,
    async (t) => {
      const paths = [file('damaged', damaged), file('damaged-too', damaged)];
      const started = await instancesOf(async () => {
        for (const path of [...paths, ...paths])
          await t.throwsAsync(read(path), { instanceOf: UserError, message: /HDF5 cannot read it/ });
        t.truthy(await withKerasFile({ path: file('sound', sound) }, network));
      });
      t.is(started, 5);
    },
  );

test.serial('libhdf5 is compiled only at the first start', async (t) => {
  await startLibrary();
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = () => {
    throw new Error('compiled again');
  };
  try {
    t.truthy(await startLibrary());
  } finally {
    WebAssembly.instantiate = instantiate;
  }
});

test.serial('the same bytes, opened twice at the same time, have two instances', async (t) => {
  const started = await instancesOf(async () => {
    const [first, second] = await Promise.all([1, 2].map(() => openHdf5(readableBytes(sound))));
    t.deepEqual(first!.keys(), second!.keys());
  });
  t.is(started, 2);
});
