/** Reads the sources for the architecture test: files with their imports, and code without comments and strings. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const sourceRoot = join(import.meta.dirname, '..', 'src');

export type Import = {
  /** A package name, or the path of a source file relative to src. */
  readonly target: string;
  readonly isPackage: boolean;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
};

export type Source = {
  /** Relative to src, for example cluster/api/schema.ts. */
  readonly path: string;
  /** Wing and room, for example cluster/api; `entry` for a file directly in src. */
  readonly room: string;
  readonly text: string;
  readonly imports: readonly Import[];
};

/** `wing/room` of a path relative to src; `entry` for a file directly in src, the wing alone for a file outside a room. */
export const roomOf = (path: string): string => path.split('/').slice(0, -1).slice(0, 2).join('/') || 'entry';

/** `node:` modules are the platform, so they are left out. */
export const readSources = (root: string = sourceRoot): readonly Source[] =>
  (readdirSync(root, { recursive: true }) as string[])
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => sourceOf(path, readFileSync(join(root, path), 'utf8')));

export const sourceOf = (path: string, text: string): Source => ({
  path,
  room: roomOf(path),
  text,
  imports: importsOf(path, withoutComments(text)),
});

const statement = /\b(import|export)\s+(type\s+)?([^'";]*?\s*from\s*)?['"]([^'"]+)['"]/g;
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]/g;

const importsOf = (path: string, code: string): readonly Import[] => {
  const fixed = [...code.matchAll(statement)].map(([, , type, names, specifier]) =>
    importOf(path, specifier!, type !== undefined || namesOnlyTypes(names)),
  );
  const late = [...code.matchAll(dynamic)].map(([, specifier]) => importOf(path, specifier!, false));
  return [...fixed, ...late].filter(({ target }) => !target.startsWith('node:'));
};

/** `import { type A, type B } from` leaves nothing at run time that could be called. */
const namesOnlyTypes = (names: string | undefined): boolean => {
  const inside = names?.match(/^\{([^}]*)\}/)?.[1];
  return inside?.split(',').every((name) => /^\s*(type\s|$)/.test(name)) ?? false;
};

const importOf = (path: string, specifier: string, typeOnly: boolean): Import =>
  specifier.startsWith('.')
    ? {
        target: normalize(join(dirname(path), specifier)).replaceAll('\\', '/'),
        isPackage: false,
        typeOnly,
      }
    : { target: packageOf(specifier), isPackage: !specifier.startsWith('node:'), typeOnly };

const packageOf = (specifier: string): string =>
  specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');

/** Good enough for our own style: strings hold no comment marks but in URLs, which `//` after a colon leaves alone. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
