/** Runs the driver with the stand-in of classic TensorRT: its version, and the machine's GPU. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import type { BindingVersion } from './bindings.ts';

/** The GPU of the machine; DLA cores are those of a Jetson. */
export type Gpu = { readonly capability: string; readonly name: string; readonly dlaCores?: number };

export const gpus = {
  a10: { capability: '8.6', name: 'NVIDIA A10' },
  orin: { capability: '8.7', name: 'Orin', dlaCores: 2 },
} as const satisfies Record<string, Gpu>;

/** What the stand-in makes fail. */
export type Fault =
  | 'builder'
  | 'memory'
  | 'exhaust'
  | 'hang'
  | 'unsupported'
  | 'unscaled'
  | 'kept'
  | 'half'
  | 'shapes'
  | 'outputs';

export type StandIn = {
  readonly version: BindingVersion;
  /** `null`: a machine without one. */
  readonly gpu?: Gpu | null;
  readonly fault?: Fault;
};

/** The folder of a libcuda.so.1 that has the GPU of the environment. */
export const fakeDriver = (): Promise<string> =>
  cached(`fake-gpu-${digestOf(import.meta.dirname, ['fake_gpu.c'])}`, async (path) => {
    mkdirSync(path);
    const source = join(import.meta.dirname, 'fake_gpu.c');
    await run('gcc', ['-shared', '-fPIC', '-O1', '-o', join(path, 'libcuda.so.1'), source]);
  });

/** What the stand-in reads of its environment: its version, the GPU, and what fails. */
export const variablesOf = ({
  version,
  gpu = gpus.a10,
  fault,
}: StandIn): Readonly<Record<string, string>> => ({
  STAND_IN_TENSORRT: version,
  ...(gpu && { FAKE_GPU: [gpu.capability, gpu.name, '12040', '580.82.07', gpu.dlaCores ?? 0].join('|') }),
  ...(fault && { STAND_IN_FAULT: fault }),
});

/** The folder in which Python finds the stand-in as `tensorrt`. */
export const standInFolder = join(import.meta.dirname, 'stand-in');

/** The environment in which `import tensorrt` finds the stand-in on this machine. */
export const standInEnvironment = async (standIn: StandIn): Promise<Readonly<Record<string, string>>> => ({
  PYTHONPATH: standInFolder,
  LD_LIBRARY_PATH: await fakeDriver(),
  ...variablesOf(standIn),
});

/** Writes a Python whose module `tensorrt` is the stand-in, and returns its path. */
export const writeStandInPython = async (folder: string, standIn: StandIn): Promise<string> => {
  const settings = Object.entries(await standInEnvironment(standIn));
  const path = join(folder, 'python');
  const words = settings.map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(path, `#!/bin/sh\n${words.join('\n')}\nexec python3 -B "$@"\n`);
  chmodSync(path, 0o755);
  return path;
};
