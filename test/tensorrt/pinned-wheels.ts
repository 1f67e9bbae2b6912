/**
 * TensorRT 8.5, that of JetPack 5.1: its bindings are in its own wheels of 549 MB, for CPython 3.6 to 3.10. Only the bindings are
 * fetched; they can be loaded by the Python that they were made for and by no other.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from '../cluster/run.ts';

const host = 'https://files.pythonhosted.org/packages';
const wheelName = (abi: string) => `tensorrt-8.5.2.2-${abi}-none-manylinux_2_17_x86_64.whl`;

/** Python → its wheel and the digest of the bindings in it; that of JetPack 5 first. Both wheels have the same API. */
const wheels = {
  '3.8': {
    url: `${host}/c6/9b/f6880f2518a1a0dc0592149e4d05e6c3bcfe7f4e071201e628bc49ad16a6/${wheelName('cp38')}`,
    sha256: 'e1ca57910ddca7582f238b8f92d298963f3186748177e9ee66b3b644ad7401bb',
  },
  '3.10': {
    url: `${host}/78/02/dbc1fb8b703f0eb3b20ee5e1007cf87b5f1bd165df1b059e8e578c142da4/${wheelName('cp310')}`,
    sha256: 'ca88bb02057838138a9d1e9fb7234b92a49b736161836fb9f1d54bfed09684a1',
  },
} as const;
export type WheelPython = keyof typeof wheels;

/** The Pythons that have a pinned wheel, that of JetPack 5 first. */
export const wheelPythons = Object.keys(wheels) as WheelPython[];

const runs = (path: string): boolean => {
  try {
    execFileSync(path, ['-c', ''], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Path of a Python of that version: in PATH, or among those of pyenv; undefined if there is none. */
export const findPython = (version: WheelPython): string | undefined => {
  const name = `python${version}`;
  if (runs(name)) return name;
  const installed = join(process.env.PYENV_ROOT ?? '', 'versions');
  if (process.env.PYENV_ROOT === undefined || !existsSync(installed)) return undefined;
  return readdirSync(installed)
    .filter((each) => each.startsWith(`${version}.`))
    .map((each) => join(installed, each, 'bin', name))
    .find(runs);
};

/** The first Python here that can load the bindings of 8.5, with its version; undefined if there is none. */
export const findWheelPython = (): { readonly version: WheelPython; readonly path: string } | undefined => {
  for (const version of wheelPythons) {
    const path = findPython(version);
    if (path) return { version, path };
  }
  return undefined;
};

/** Writes a wheel with the bindings alone into the folder. */
export const fetchBindings = async (version: WheelPython, folder: string): Promise<void> => {
  const { url, sha256 } = wheels[version];
  const script = join(import.meta.dirname, 'wheel_member.py');
  const label = 'fetching the Python bindings of TensorRT 8.5.2.2 (first run only)';
  await run(
    'python3',
    ['-B', script, url, 'tensorrt/tensorrt.so', sha256, join(folder, 'tensorrt-8.5.2.2.whl')],
    { label },
  );
};
