/** Content of the images: pinned by digest or hash, listed, and with licences. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

test('base images have no default, and a base without a digest stops the build', (t) => {
  const bases = [...dockerfile.matchAll(/^ARG (\w*BASE)(=.*)?$/gm)];
  t.true(bases.length >= 3);
  for (const [line, , value] of bases) t.is(value, undefined, line);
  for (const name of ['BUILD_BASE', 'BASE', 'CODEC_BASE'])
    t.regex(dockerfile, new RegExp(`give (BUILD_BASE and )?${name}( and BASE)? by digest`), name);
});

test('everything that pip installs is pinned with version and hashes, dependencies included', (t) => {
  const installs = dockerfile.replaceAll('\\\n', ' ').match(/pip3? install[^&\n]*/g)!;
  t.is(installs.length, 3);
  for (const install of installs) t.regex(install, /--no-deps .*--require-hashes .*--requirement/);
  for (const file of readdirSync(join(root, 'requirements'))) {
    const lines = readFileSync(join(root, 'requirements', file), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines.filter((each) => !each.startsWith('#')))
      t.regex(line, /^[\w-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+$/, file);
  }
});

test('licence texts are not removed from the image', (t) => {
  t.false(/-name '\*\.(md|txt)'/.test(dockerfile));
});

type Sbom = {
  readonly bomFormat: string;
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
};

test('npm run sbom lists every shipped npm package of the lock file, and the Python packages', (t) => {
  const flags = ['src/sbom.ts', '--npm', '--python', 'requirements/tensorrt-rtx.txt'];
  const { bomFormat, components } = JSON.parse(
    execFileSync(process.execPath, flags, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }),
  ) as Sbom;
  t.is(bomFormat, 'CycloneDX');
  const listed = new Set(components.map(({ purl }) => decodeURIComponent(purl)));
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const [name, version] of Object.entries(dependencies))
    t.true(listed.has(`pkg:npm/${name}@${version}`), name);
  t.true(listed.has('pkg:pypi/tensorrt_rtx@1.7.1.116'));
  t.false(
    [...listed].some((purl) => purl.startsWith('pkg:npm/ava@')),
    'what only builds and tests is not shipped',
  );
});
