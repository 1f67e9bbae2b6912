/** The licence policy, and what the bills of materials of the images contain. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { makeBill, markBase, nodeComponent } from '../../src/supply/components/component.ts';
import { copiedPackages, debianComponents } from '../../src/supply/components/debian.ts';
import { npmComponents } from '../../src/supply/components/npm.ts';
import { pythonComponents } from '../../src/supply/components/python.ts';
import { isAllowed } from '../../src/supply/licences/expression.ts';
import { addLicence, findRefused, listLicences } from '../../src/supply/licences/judge.ts';
import { allowedLicences, readLicences } from '../../src/supply/licences/policy.ts';

const root = join(import.meta.dirname, '..', '..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

const allowed = ['MIT', 'ISC', 'Apache-2.0 WITH LLVM-exception'];
const judged: Readonly<Record<string, boolean>> = {
  MIT: true,
  'GPL-3.0-only': false,
  'MIT OR GPL-3.0-only': true,
  'GPL-3.0-only OR MIT': true,
  'MIT AND GPL-3.0-only': false,
  '(MIT OR GPL-3.0-only) AND ISC': true,
  '(MIT AND GPL-3.0-only) OR ISC': true,
  'MIT OR GPL-3.0-only AND AGPL-3.0-only': true,
  'Apache-2.0 WITH LLVM-exception': true,
  'MIT WITH LLVM-exception': false,
  'SEE LICENSE IN LICENSE.txt': false,
  'MIT ISC': false,
  '(MIT': false,
  '': false,
};

for (const [expression, expected] of Object.entries(judged))
  test(`licence expression '${expression}' is ${expected ? 'allowed' : 'refused'}`, (t) => {
    t.is(
      isAllowed(expression, (each) => allowed.includes(each)),
      expected,
    );
  });

const lockFile = (packages: object): string => JSON.stringify({ packages: { '': {}, ...packages } });

test('a package without a licence, or with one that the policy does not know, is refused by name', (t) => {
  const components = npmComponents(
    lockFile({
      'node_modules/good': { version: '1.0.0', license: 'MIT' },
      'node_modules/a/node_modules/strict': { version: '2.0.0', license: 'AGPL-3.0-only' },
      'node_modules/silent': { version: '3.0.0' },
      'node_modules/tester': { version: '4.0.0', license: 'AGPL-3.0-only', dev: true },
    }),
    () => true,
  );
  t.deepEqual(findRefused(components), ['strict 2.0.0: AGPL-3.0-only', 'silent 3.0.0: no licence is known']);
});

test('packages of other systems, and packages that are not installed, are not in the image', (t) => {
  const file = lockFile({
    'node_modules/here': { version: '1.0.0', os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
    'node_modules/musl': { version: '1.0.0', os: ['linux'], libc: ['musl'] },
    'node_modules/windows': { version: '1.0.0', os: ['win32'] },
    'node_modules/deleted': { version: '1.0.0' },
  });
  const found = npmComponents(file, (path) => path !== 'node_modules/deleted');
  t.deepEqual(
    found.map(({ name }) => name),
    ['here'],
  );
});

const shipped = [
  nodeComponent('24.21.0'),
  ...npmComponents(textOf('package-lock.json'), () => true),
  ...['tensorrt-rtx', 'nvidia-codec'].flatMap((name) => pythonComponents(textOf(`requirements/${name}.txt`))),
  ...copiedPackages.map((name) => ({ ...nodeComponent('1'), name })),
].map(addLicence);

test('the policy allows every package that an image can contain, and has no entry that nothing needs', (t) => {
  t.true(shipped.length > 150);
  t.deepEqual(findRefused(shipped), []);
  const names = new Set(shipped.map(({ name }) => name));
  t.deepEqual(
    Object.keys(readLicences).filter((name) => !names.has(name)),
    [],
  );
  const words = new Set(shipped.flatMap(({ licenses }) => licenses![0]!.expression.match(/[^\s()]+/g)!));
  t.deepEqual(
    Object.keys(allowedLicences).filter((licence) => !words.has(licence)),
    [],
  );
});

test('the Dockerfile copies exactly the Debian packages of the list', (t) => {
  const copied = [...textOf('Dockerfile').matchAll(/^COPY --from=tensorrt (?!\/opt)(.+) \S+$/gm)].flatMap(
    ([, paths]) => paths!.split(' '),
  );
  const homes: Readonly<Record<string, readonly string[]>> = {
    '/usr/bin/python3.11': ['python3.11-minimal'],
    '/usr/lib/python3.11': ['python3.11-minimal', 'libpython3.11-minimal', 'libpython3.11-stdlib'],
    '/lib/x86_64-linux-gnu/libz.so.1': ['zlib1g'],
    '/lib/x86_64-linux-gnu/libexpat.so.1': ['libexpat1'],
    '/usr/lib/x86_64-linux-gnu/libffi.so.8': ['libffi8'],
    '/usr/share/doc/python3.11/copyright': ['python3.11-minimal'],
  };
  t.deepEqual([...new Set(copied.flatMap((path) => homes[path] ?? [path]))].sort(), [...copiedPackages]);
});

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9
Description: GNU C Library
 Version: 7

Package: bash
Architecture: amd64
Version: 5.2
`;

test('packages of the base image are listed, and left to its publisher', (t) => {
  const base = debianComponents(status).map(markBase);
  t.deepEqual(
    base.map(({ purl }) => purl),
    ['pkg:deb/debian/libc6@2.36-9?arch=amd64', 'pkg:deb/debian/bash@5.2?arch=amd64'],
  );
  t.deepEqual(findRefused(base), []);
  t.is(
    listLicences(base).split('\n')[0],
    'pkg:deb/debian/bash@5.2?arch=amd64 see the publisher of the base image',
  );
  t.deepEqual(findRefused(debianComponents(status, ['bash'])), ['bash 5.2: no licence is known']);
});

test('the program that the Dockerfile runs ends with an error for a refused package, and names the remedy', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-licences-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const check = (name: string) => {
    const path = join(folder, 'sbom.json');
    writeFileSync(path, JSON.stringify(makeBill([addLicence({ ...nodeComponent('1'), name })])));
    return spawnSync(process.execPath, [join(root, 'src/licences.ts'), path], { encoding: 'utf8' });
  };
  const [good, bad] = [check('zlib1g'), check('stranger')];
  t.is(good.status, 0, good.stderr);
  t.regex(good.stdout, / Zlib\n$/);
  t.is(bad.status, 1);
  t.regex(bad.stderr, /does not allow these: stranger 1: no licence is known\. Remove the package, or read/);
});
