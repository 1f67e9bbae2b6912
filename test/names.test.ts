/** Names in the sources: functions are verbs or nouns and never a bare participle, and a type's name has one meaning. */
import test from 'ava';
import { readSources, type Source, sourceOf, withoutComments } from './sources.ts';

const sources = readSources().filter(({ path }) => !path.includes('generated/'));

/** Participles that do not end in `ed` and are not also the verb itself, as `read` and `set` are. */
const irregular = `been begun bent bought brought built caught chosen done drawn driven eaten fed felt forgotten found given
  gone grown heard held hidden kept known lain laid led left lent lost made meant met paid said seen sent shown sold sought
  spent spoken stood stolen swept taken taught thought thrown torn understood won worn written withdrawn rewritten`;

/** `counted`, `drawn`, and with a preposition `countedBy`; words in `eed` are verbs: `need`, `succeed`. */
const bareParticiple = new RegExp(
  `^([a-z]*[^e]ed|${irregular.trim().split(/\s+/).join('|')})(By|Of|With|From|At|In|To|For|As|On)?$`,
);

/** Exported names that look like participles, and why each is right. */
const allowed: Readonly<Record<string, string>> = {
  repeated:
    'the keyword of protobuf for a field that is a list, beside the other words of data/specs/schema.ts',
};

const functionStart =
  /^export (?:async )?(?:function\*? (\w+)|const (\w+)(?::[^=;]*(?:=>[^=;]*)?)?\s=\s+(?:async )?(?:<[^(]*>)?(?:\((?:[^;{}]|\{(?:[^{}]|\{[^{}]*\})*\})*?\)(?::(?:[^;{]|\{[^}]*\})*?)?\s=>|\w+ =>))/gm;
const typeStart = /^export (?:type|interface|(?:abstract )?class) (\w+)/gm;

const exportedFunctions = ({ text }: Source): readonly string[] =>
  [...withoutComments(text).matchAll(functionStart)].map(([, declared, constant]) => (declared ?? constant)!);

const exportedTypes = ({ text }: Source): readonly string[] =>
  [...withoutComments(text).matchAll(typeStart)].map(([, name]) => name!);

const participles = (source: Source): readonly string[] =>
  exportedFunctions(source)
    .filter((name) => bareParticiple.test(name) && !(name in allowed))
    .map((name) => `${source.path}: ${name}`);

const homonyms = (all: readonly Source[]): readonly string[] => {
  const places = all.flatMap((source) => exportedTypes(source).map((name) => ({ name, path: source.path })));
  return [...Map.groupBy(places, ({ name }) => name)]
    .filter(([, found]) => found.length > 1)
    .map(([name, found]) => `${name}: ${found.map(({ path }) => path).join(', ')}`);
};

test('the patterns find the functions and types of the sources', (t) => {
  t.true(sources.flatMap(exportedFunctions).length > 800);
  t.true(sources.flatMap(exportedTypes).length > 500);
});

test('no exported function is named by a bare participle', (t) => {
  t.deepEqual(sources.flatMap(participles), []);
});

test('each allowed name is still exported', (t) => {
  const names = new Set(sources.flatMap(exportedFunctions));
  t.deepEqual(
    Object.keys(allowed).filter((name) => !names.has(name)),
    [],
  );
});

test('no two files export types of the same name', (t) => {
  t.deepEqual(homonyms(sources), []);
});

test('the rule finds participles of every form, and no verbs', (t) => {
  const text = `
export const counted = (values: readonly number[]): number => values.length;
export const drawnFrom = <T>(values: readonly T[]): T | undefined => values[0];
export async function kept(): Promise<void> {}
export const joined: (a: string, b: string) => string = (a, b) => a + b;
export const folded =
  (a: number) =>
  (b: number): number => a + b;
export const shown = (
  { a }: { readonly a: number; readonly b: string },
  c: number,
): { readonly d: number } => ({ d: a + c });
export const need = (value: number): number => value;
export const read = (path: string): string => path;
export const paddedImage = (size: number): number => size;
export const reserved = new Set<string>();
const local = (value: number): number => value;
/** export const said = () => 1; */
`;
  t.deepEqual(participles(sourceOf('data/x.ts', text)), [
    'data/x.ts: counted',
    'data/x.ts: drawnFrom',
    'data/x.ts: kept',
    'data/x.ts: joined',
    'data/x.ts: folded',
    'data/x.ts: shown',
  ]);
});

test('the rule finds a type, an interface and a class of one name', (t) => {
  const first = sourceOf(
    'data/x.ts',
    'export type Step = number;\nexport class Row {}\ntype Local = string;',
  );
  const second = sourceOf('data/y.ts', 'export interface Step {}\ntype Local = number;');
  t.deepEqual(homonyms([first, second]), ['Step: data/x.ts, data/y.ts']);
});
