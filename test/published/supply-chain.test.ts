/** Content of the images: pinned by digest or hash, listed, and with licences. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

/** The instructions of each stage of the Dockerfile, by its name. */
const stages = new Map(
  dockerfile
    .replaceAll('\\\n', ' ')
    .split(/^(?=FROM )/m)
    .slice(1)
    .map((text) => [/ AS ([\w-]+)/.exec(text)![1]!, text] as const),
);

/** Stages that a stage is built from, itself included. */
const neededBy = (name: string): readonly string[] => {
  const text = stages.get(name) ?? '';
  const used = [...text.matchAll(/^FROM (\S+)|--from=(\S+)/gm)].map(([, from, copied]) => from ?? copied!);
  return [name, ...used.filter((each) => stages.has(each)).flatMap(neededBy)];
};

test('base images have no default that exists: it is a name that says which argument is missing', (t) => {
  const [globals = ''] = dockerfile.split(/^FROM /m);
  const bases = [...globals.matchAll(/^ARG (\w*BASE)(?:=(.*))?$/gm)];
  t.is(bases.length, 4);
  for (const [line, name, value] of bases)
    t.is(value, `localhost/build-arg-missing:${name!.toLowerCase()}`, line);
});

const digest = `sha256:${'0a'.repeat(32)}`;
const references: Readonly<Record<string, boolean>> = {
  [`docker.io/library/node:24-bookworm@${digest}`]: true,
  'localhost/base:1': true,
  'docker.io/library/node:24-bookworm': false,
  'docker.io/library/node@sha256:': false,
  [`docker.io/library/node@${digest}0`]: false,
  'registry.example.com/localhost/base:1': false,
};

for (const [target, stage, variables] of [
  ['operator', 'pinned', ['BUILD_BASE', 'BASE']],
  ['tensorrt-rtx', 'pinned', ['BUILD_BASE', 'BASE']],
  ['nvidia-codec', 'nvidia-codec', ['CODEC_BASE']],
  ['tensorrt-classic', 'tensorrt-classic', ['TENSORRT_BASE']],
] as const)
  test(`the build of ${target} stops at a base that is not given by digest`, (t) => {
    t.true(neededBy(target).includes(stage));
    const command = /^RUN (.*@sha256:.*)$/m.exec(stages.get(stage)!)![1]!;
    for (const variable of variables)
      for (const [reference, accepted] of Object.entries(references)) {
        const others = Object.fromEntries(variables.map((name) => [name, 'localhost/other']));
        const env = { ...process.env, ...others, [variable]: reference };
        const { status, stdout } = spawnSync('sh', ['-c', command], { env, encoding: 'utf8' });
        t.is(status === 0, accepted, `${variable}=${reference}`);
        if (!accepted) t.regex(stdout, /: give \w+( and \w+)? by digest/);
      }
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
