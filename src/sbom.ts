/**
 * Entry: prints the software bill of materials of an image (CycloneDX 1.5). Not shipped.
 * `node src/sbom.ts [--node] [--npm] [--python REQUIREMENTS] [--debian DPKG_STATUS --only NAME,…]`: the Node.js that runs this file,
 * npm packages of package-lock.json, Python packages with their hashes, and the named Debian packages.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';

type Component = {
  readonly type: 'library';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
};

const { values } = parseArgs({
  options: {
    node: { type: 'boolean', default: false },
    npm: { type: 'boolean', default: false },
    python: { type: 'string' },
    debian: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});

type Locked = {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
};

/** All production packages. `npm sbom --omit=dev` omits packages that development dependencies also need. */
const npmPart = (): readonly Component[] => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> };
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version, integrity, license }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const content = Buffer.from(integrity?.replace(/^sha512-/, '') ?? '', 'base64').toString('hex');
      return {
        type: 'library',
        name,
        version,
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
        ...(content && { hashes: [{ alg: 'SHA-512', content }] }),
        ...(license && { licenses: [{ expression: license }] }),
      } as const;
    });
};

/** Packages of a requirements file in which every line has a version and hashes. */
const pythonPart = (path: string): readonly Component[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /^[a-z]/i.test(line))
    .map((line) => {
      const [, name, version] = /^([\w.-]+)==(\S+)/.exec(line)!;
      const hashes = [...line.matchAll(/--hash=sha256:([0-9a-f]{64})/g)].map(
        ([, content]) => ({ alg: 'SHA-256', content: content! }) as const,
      );
      return { type: 'library', name: name!, version: version!, purl: `pkg:pypi/${name}@${version}`, hashes };
    });

/** Packages of a dpkg `status` file, which has one paragraph per installed package. */
const debianPart = (path: string, names: readonly string[]): readonly Component[] =>
  readFileSync(path, 'utf8')
    .split('\n\n')
    .flatMap((paragraph) => {
      const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(paragraph)?.[1];
      const [name, version, arch] = [field('Package'), field('Version'), field('Architecture')];
      if (name === undefined || version === undefined || !names.includes(name)) return [];
      return [
        { type: 'library', name, version, purl: `pkg:deb/debian/${name}@${version}?arch=${arch}` } as const,
      ];
    });

const nodePart = (): Component => {
  const { node: version } = process.versions;
  return { type: 'library', name: 'node', version, purl: `pkg:generic/node@${version}` };
};

const components = [
  ...(values.node ? [nodePart()] : []),
  ...(values.npm ? npmPart() : []),
  ...(values.python ? pythonPart(values.python) : []),
  ...(values.debian ? debianPart(values.debian, values.only.split(',')) : []),
];
/** Without timestamp and serial number, so that the same packages give the same list. */
const list = { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components };
process.stdout.write(`${JSON.stringify(list, undefined, 1)}\n`);
