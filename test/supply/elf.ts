/** What the dynamic loader finds for the ELF files of a folder that becomes the root of an image, by readelf: no file is run. */
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { run } from '../cluster/run.ts';

/** An ELF file. */
export type Elf = {
  /** As readelf names it: `AArch64`. */
  readonly machine: string;
  /** Libraries that the loader must find. */
  readonly needed: readonly string[];
  /** Where it looks first. */
  readonly runPath: readonly string[];
  /** Symbol versions that it needs, by library. */
  readonly needs: Readonly<Record<string, readonly string[]>>;
  /** Symbol versions that it has. */
  readonly has: readonly string[];
};

const isElf = (path: string): boolean => {
  const start = Buffer.alloc(4);
  const file = openSync(path, 'r');
  const length = readSync(file, start);
  closeSync(file);
  return length === 4 && start.readUInt32BE(0) === 0x7f454c46;
};

/** Paths of all ELF files below a folder. */
export const listElfFiles = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(isElf)
    .sort();

const allOf = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map((match) => match[1]!);

/** Reads the output of `readelf --wide --file-header --dynamic --version-info`. */
export const parseReadelf = (text: string): Elf => {
  const [before = '', definitions = ''] = splitAt(text, 'Version definition section');
  const [defined = ''] = splitAt(definitions, 'Version needs section');
  const requirements = splitAt(text, 'Version needs section')[1] ?? '';
  const needs: Record<string, string[]> = {};
  for (const [, file = '', names = ''] of requirements.matchAll(
    /File: (\S+) [^\n]*\n((?:\s+\S+\s+Name: [^\n]*\n)*)/g,
  ))
    needs[file] = [...allOf(names, /Name: (\S+)/g)];
  return {
    machine: /Machine:\s+(.*)/.exec(before)?.[1] ?? 'unknown',
    needed: allOf(text, /\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g),
    runPath: allOf(text, /\((?:RUNPATH|RPATH)\)\s+Library (?:runpath|rpath): \[([^\]]*)\]/g).flatMap((path) =>
      path.split(':'),
    ),
    needs,
    has: allOf(defined, /Name: (\S+)/g),
  };
};

const splitAt = (text: string, mark: string): readonly string[] => {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at)];
};

const readElf = async (path: string): Promise<Elf> =>
  parseReadelf(await run('readelf', ['--wide', '--file-header', '--dynamic', '--version-info', path]));

/** The file behind a path of the image; undefined if there is none. Links start at the root of the image, not at that of this machine. */
const followLinks = (root: string, path: string, links = 0): string | undefined => {
  let at = '/';
  const names = path.split('/').filter((name) => name !== '');
  for (const [index, name] of names.entries()) {
    const next = resolve(at, name);
    const found = lstatSync(join(root, next), { throwIfNoEntry: false });
    if (found === undefined || links > mostLinks) return undefined;
    if (found.isSymbolicLink()) {
      const target = resolve(at, readlinkSync(join(root, next)));
      return followLinks(root, join(target, ...names.slice(index + 1)), links + 1);
    }
    at = next;
  }
  return join(root, at);
};

/** As Linux follows. */
const mostLinks = 40;

/** What was found of one file. */
export type Finding = {
  /** Path in the image. */
  readonly path: string;
  readonly machine: string;
  /** The newest version of the C library that it needs. */
  readonly glibc: string;
  /** Libraries that are absent, and symbol versions that a library lacks. */
  readonly missing: readonly string[];
};

const newestFirst = (a: string, b: string): number => b.localeCompare(a, 'en', { numeric: true });

/** Inspects all ELF files of a root. @param folders where the loader looks, such as `/lib/aarch64-linux-gnu` */
export const inspectRoot = async (root: string, folders: readonly string[]): Promise<readonly Finding[]> => {
  const paths = listElfFiles(root);
  const files = new Map<string, Elf>();
  for (const path of paths) files.set(path, await readElf(path));
  const find = (path: string, { runPath }: Elf, library: string): Elf | undefined => {
    const origin = dirname(path.slice(root.length));
    const own = runPath.map((each) => each.replace(/\$\{?ORIGIN\}?/, origin));
    for (const folder of [...own, ...folders]) {
      const found = followLinks(root, join(folder, library));
      if (found !== undefined && files.has(found)) return files.get(found);
    }
    return undefined;
  };
  return [...files].map(([path, elf]) => {
    const missing = elf.needed.flatMap((library) => {
      const found = find(path, elf, library);
      if (found === undefined) return [library];
      return (elf.needs[library] ?? [])
        .filter((version) => !found.has.includes(version))
        .map((version) => `${library} ${version}`);
    });
    const versions = Object.values(elf.needs).flat();
    const [glibc = 'none'] = versions.filter((version) => /^GLIBC_\d/.test(version)).sort(newestFirst);
    return { path: path.slice(root.length), machine: elf.machine, glibc, missing };
  });
};
