/** What the mutated rooms' tests use of ava, without processes: tests run in order, and the first failure is thrown. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

type Run = (t: unknown, ...args: unknown[]) => unknown;
type Macro = { readonly exec: Run } | Run;

const tests: { readonly title: string; readonly run: () => unknown }[] = [];
const before: (() => unknown)[] = [];
const after: (() => unknown)[] = [];

type Expectation = {
  readonly instanceOf?: new (...args: never[]) => unknown;
  readonly message?: unknown;
  readonly code?: unknown;
};

const matches = (message: string, expected: unknown): boolean =>
  expected instanceof RegExp
    ? expected.test(message)
    : typeof expected === 'function'
      ? Boolean(expected(message))
      : message === expected;

const checkThrown = (thrown: unknown, { instanceOf, message, ...members }: Expectation = {}): unknown => {
  const error = thrown as Error;
  if (instanceOf) assert.ok(error instanceof instanceOf, `${error}`);
  if (message !== undefined) assert.ok(matches(error.message, message), error.message);
  if (Object.keys(members).length > 0) assert.partialDeepStrictEqual(error, members);
  return thrown;
};

const throws = (work: () => unknown, expected?: Expectation): unknown => {
  try {
    work();
  } catch (thrown) {
    return checkThrown(thrown, expected);
  }
  return assert.fail('it did not throw');
};

const throwsAsync = async (work: Promise<unknown> | (() => Promise<unknown>), expected?: Expectation) => {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (thrown) {
    return checkThrown(thrown, expected);
  }
  return assert.fail('it did not throw');
};

const t = {
  is: (found: unknown, expected: unknown, why?: string) =>
    assert.ok(Object.is(found, expected), why ?? `${found} is not ${expected}`),
  not: (found: unknown, other: unknown, why?: string) => assert.ok(!Object.is(found, other), why),
  true: (found: unknown, why?: string) => assert.equal(found, true, why),
  false: (found: unknown, why?: string) => assert.equal(found, false, why),
  truthy: (found: unknown, why?: string) => assert.ok(found, why),
  // Without the difference, which takes seconds to print for a histogram.
  deepEqual: (found: unknown, expected: unknown, why?: string) =>
    assert.ok(isDeepStrictEqual(found, expected), why ?? 'values differ'),
  notDeepEqual: (found: unknown, expected: unknown, why?: string) =>
    assert.notDeepStrictEqual(found, expected, why),
  like: (found: object, expected: object, why?: string) =>
    assert.partialDeepStrictEqual(found, expected, why),
  regex: (found: string, pattern: RegExp, why?: string) => assert.match(found, pattern, why),
  notRegex: (found: string, pattern: RegExp, why?: string) => assert.doesNotMatch(found, pattern, why),
  notThrows: (work: () => unknown) => void work(),
  notThrowsAsync: async (work: () => Promise<unknown>) => void (await work()),
  throws,
  throwsAsync,
  pass: () => {},
  timeout: () => {},
  log: () => {},
};

const execOf = (macro: Macro): Run => (typeof macro === 'function' ? macro : macro.exec);

const test = (first: unknown, ...rest: unknown[]): void => {
  const [title, macro, args] =
    typeof first === 'string' ? [first, rest[0] as Macro, rest.slice(1)] : ['', first as Macro, rest];
  tests.push({ title, run: () => execOf(macro)(t, ...args) });
};

const always = Object.assign((work: () => unknown) => void after.push(work), {
  always: (work: () => unknown) => void after.push(work),
});

// biome-ignore lint/style/noDefaultExport: tests import ava's default export
export default Object.assign(test, {
  serial: test,
  macro: (macro: Macro) => macro,
  before: (work: () => unknown) => void before.push(work),
  after: always,
});

/** Runs all tests of the imported files. @throws the first failure */
export const runTests = async (): Promise<void> => {
  for (const work of before) await work();
  for (const { title, run } of tests) {
    try {
      await run();
    } catch (thrown) {
      throw new Error(title, { cause: thrown });
    }
  }
  for (const work of after) await work();
};
