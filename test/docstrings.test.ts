/** Every exported function, constant and class has a docstring. Types say what they are by their fields. */
import test from 'ava';
import { readSources, type Source, sourceOf } from './sources.ts';

const sources = readSources().filter(({ path }) => !path.includes('generated/'));

const exported = /^export (?:async )?(?:abstract )?(?:const|function\*?|class) (\w+)/;

/** Names of exported values without a comment right above. Further overloads of a function share that of the first. */
const undocumented = ({ path, text }: Source): readonly string[] => {
  const lines = text.split('\n');
  const seen = new Set<string>();
  return lines.flatMap((line, i) => {
    const name = exported.exec(line)?.[1];
    if (name === undefined || seen.has(name)) return [];
    seen.add(name);
    return lines[i - 1]?.trimEnd().endsWith('*/') ? [] : [`${path}: ${name}`];
  });
};

test('every exported value of the sources has a docstring', (t) => {
  t.deepEqual(sources.flatMap(undocumented), []);
});

test('the rule finds values of every form without one, and no types', (t) => {
  const text = `
/** One. */
export const documented = 1;
export const constant = 1;
export async function waits(): Promise<void> {}
export abstract class Thing {}
export type Plain = string;
/** Two. */
export function overloaded(a: string): void;
export function overloaded(a: number): void;
`;
  t.deepEqual(undocumented(sourceOf('base/a.ts', text)), [
    'base/a.ts: constant',
    'base/a.ts: waits',
    'base/a.ts: Thing',
  ]);
});
