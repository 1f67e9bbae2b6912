/** npm packages of a lock file. */
import type { Component } from './component.ts';

type Locked = {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
};

const cpus = ['x64', 'arm64'];

/** Whether an image of Linux with glibc on a supported processor can contain the package. */
const runsInImages = ({ os = ['linux'], cpu = cpus, libc = ['glibc'] }: Locked): boolean =>
  os.includes('linux') && libc.includes('glibc') && cpu.some((each) => cpus.includes(each));

/**
 * Production packages of `package-lock.json` for our images that `isInstalled` finds at their paths. `npm sbom --omit=dev` would
 * omit packages that development dependencies also need.
 */
export const npmComponents = (
  lockFile: string,
  isInstalled: (path: string) => boolean,
): readonly Component[] => {
  const { packages } = JSON.parse(lockFile) as { readonly packages: Readonly<Record<string, Locked>> };
  const shipped = Object.entries(packages).filter(
    ([path, locked]) => path !== '' && !locked.dev && runsInImages(locked) && isInstalled(path),
  );
  const components = shipped.map(([path, locked]) => componentOf(path, locked));
  return [...new Map(components.map((each) => [each.purl, each])).values()];
};

const folder = 'node_modules/';

const componentOf = (path: string, { version, integrity, license }: Locked): Component => {
  const name = path.slice(path.lastIndexOf(folder) + folder.length);
  const content = Buffer.from(integrity?.replace(/^sha512-/, '') ?? '', 'base64').toString('hex');
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(content && { hashes: [{ alg: 'SHA-512', content }] }),
    ...(license && { licenses: [{ expression: license }] }),
  };
};
