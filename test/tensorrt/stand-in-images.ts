/**
 * Images of the stand-in of classic TensorRT for the test cluster: Debian's Python, the stand-in, and a CUDA driver with the GPU of
 * the image. All are in one archive and share their layers, because only their environments differ.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileDigest, sha256 } from '../../src/ground/base/digest.ts';
import { cached, digestOf } from '../cluster/cache.ts';
import { debianFolder, runtimeFiles } from '../cluster/images.ts';
import { run } from '../cluster/run.ts';
import { fakeDriver, gpus, type StandIn, standInFolder, variablesOf } from './stand-in.ts';

const version = '10.13.3.9';
const t4 = { capability: '7.5', name: 'Tesla T4' } as const;

/** Name → what the image is: a version on the GPU of its class, or something that fails. */
export const standIns = {
  '8.6': { version: '8.6.1' },
  '10.7': { version: '10.7.0' },
  '10.13': { version },
  '11.4': { version: '11.4.0.106' },
  'no-gpu': { version, gpu: null },
  'other-gpu': { version, gpu: t4 },
  'no-dla': { version: '10.7.0', gpu: gpus.a10 },
  'builder-error': { version, fault: 'builder' },
  'gpu-memory': { version, fault: 'memory' },
  'unsupported-layer': { version, fault: 'unsupported' },
  'missing-scale': { version: '8.6.1', fault: 'unscaled' },
  killed: { version, fault: 'exhaust' },
} as const satisfies Readonly<Record<string, StandIn>>;

export type StandInName = keyof typeof standIns;

/** The image of a stand-in, without registry. */
export const standInImage = (name: StandInName): string => `docker.io/library/tlt-test-tensorrt-${name}:dev`;

/** What the Python of the images needs beyond the C library. */
const pythonFiles = [
  'usr/bin/python3',
  'usr/bin/python3.11',
  'usr/lib/python3.11',
  'lib/x86_64-linux-gnu/libz.so.1*',
  'lib/x86_64-linux-gnu/libexpat.so.1*',
  'usr/lib/x86_64-linux-gnu/libffi.so.8*',
];

const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--wildcards'];

/** A layer with the files of a folder that match the patterns. */
const writeLayer = async (path: string, folder: string, patterns: readonly string[]): Promise<string> => {
  await run('sh', [
    '-c',
    `cd "$1" && tar ${fixed.join(' ')} -cf "$2" ${patterns.join(' ')}`,
    'sh',
    folder,
    path,
  ]);
  return `sha256:${await fileDigest(path)}`;
};

const configOf = (name: StandInName, layers: readonly string[]): string =>
  JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: '65532:65532',
      Env: Object.entries({
        PATH: '/usr/local/bin:/usr/bin:/bin',
        PYTHONPATH: '/opt/stand-in',
        PYTHONDONTWRITEBYTECODE: '1',
        STAND_IN_API: '/opt/api.json',
        LD_LIBRARY_PATH: '/opt/gpu',
        ...variablesOf(standIns[name]),
      }).map(([variable, value]) => `${variable}=${value}`),
    },
    rootfs: { type: 'layers', diff_ids: layers },
  });

/** Archive of all images, as `docker save` writes it. */
export const standInArchive = (): Promise<string> => {
  const root = join(import.meta.dirname, '..');
  const inputs = [
    'tensorrt/stand-in',
    'tensorrt/stand-in-images.ts',
    'tensorrt/fake_gpu.c',
    'fixtures/tensorrt/api.json',
  ];
  const name = `image-tensorrt-stand-ins-${digestOf(root, inputs)}.tar`;
  return cached(name, async (path) => {
    const folder = `${path}.folder`;
    const own = join(folder, 'own');
    mkdirSync(join(own, 'opt'), { recursive: true });
    cpSync(standInFolder, join(own, 'opt/stand-in'), { recursive: true });
    cpSync(join(root, 'fixtures/tensorrt/api.json'), join(own, 'opt/api.json'));
    cpSync(await fakeDriver(), join(own, 'opt/gpu'), { recursive: true });
    const layers = [
      await writeLayer(join(folder, 'python.tar'), await debianFolder(), [...runtimeFiles(), ...pythonFiles]),
      await writeLayer(join(folder, 'own.tar'), own, ['opt']),
    ];
    const entries = (Object.keys(standIns) as StandInName[]).map((each) => {
      const config = configOf(each, layers);
      const file = `${sha256(config)}.json`;
      writeFileSync(join(folder, file), config);
      return { Config: file, RepoTags: [standInImage(each)], Layers: ['python.tar', 'own.tar'] };
    });
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(entries));
    // Equal images have one configuration. A file that is named twice would be a link to itself, which Docker does not load.
    const configs = new Set(entries.map(({ Config }) => Config));
    await run('tar', ['-cf', path, '-C', folder, ...configs, 'manifest.json', 'python.tar', 'own.tar']);
  });
};
