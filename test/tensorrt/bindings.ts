/** The API of NVIDIA's own Python bindings, version by version, from PyPI. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import { fetchBindings, findWheelPython } from './pinned-wheels.ts';

/** One release of each family, and of each change of names inside a family. */
export const bindingVersions = [
  '8.5.2.2',
  '8.6.1',
  '10.3.0',
  '10.7.0',
  '10.8.0.43',
  '10.13.3.9',
  '11.0.0.114',
  '11.4.0.106',
] as const;
export type BindingVersion = (typeof bindingVersions)[number];

/** Each name with its signatures. */
export type Signatures = Readonly<Record<string, readonly string[]>>;

/** What one version has: signatures of members by class, values by enum, signatures of functions. */
export type BindingApi = {
  readonly classes: Readonly<Record<string, Signatures>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly functions: Signatures;
};

/** The versions whose bindings can be loaded here: 8.5.2.2 needs a Python that it was made for. */
export const readableVersions: readonly BindingVersion[] = bindingVersions.filter(
  (version) => version !== '8.5.2.2' || findWheelPython() !== undefined,
);

/** Loads the bindings of a version, downloaded once, and reads all names from them. */
export const readBindings = async (version: BindingVersion): Promise<BindingApi> => {
  const scripts = ['bindings_api.py', 'wheel_member.py'];
  const name = `tensorrt-bindings-${version}-${digestOf(import.meta.dirname, scripts)}`;
  const folder = await cached(name, async (path) => {
    const python = await downloadBindings(version, path);
    const wheel = readdirSync(path).find((file) => file.endsWith('.whl'))!;
    const script = join(import.meta.dirname, 'bindings_api.py');
    const api = await run(python, ['-B', script, join(path, wheel), path]);
    writeFileSync(join(path, 'api.json'), api);
  });
  return JSON.parse(readFileSync(join(folder, 'api.json'), 'utf8')) as BindingApi;
};

/** Writes the wheel into the folder, and returns the Python that can load it. */
const downloadBindings = async (version: BindingVersion, folder: string): Promise<string> => {
  if (version === '8.5.2.2') {
    const python = findWheelPython();
    if (!python) throw new Error(`Loading the bindings of TensorRT ${version}: install Python 3.8 or 3.10.`);
    mkdirSync(folder);
    await fetchBindings(python.version, folder);
    return python.path;
  }
  const project = version.startsWith('8.') ? 'tensorrt-bindings' : 'tensorrt-cu12-bindings';
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'];
  const label = `downloading the Python bindings of TensorRT ${version} (first run only)`;
  await run('python3', [...pip, '--dest', folder, `${project}==${version}`], { label });
  return 'python3';
};
