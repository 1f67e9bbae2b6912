/** What a set of values changes in the rendering of the defaults: short enough to read, and free of what no value decides. */
import type { Rendered } from './helm.ts';

export type Differences = {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** By object: leaves that only the defaults have (−) and leaves that only these values have (+). */
  readonly changed: Readonly<Record<string, readonly string[]>>;
};

export const nameOf = ({ kind, metadata: { name, namespace } }: Rendered): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

export const differencesOf = (defaults: readonly Rendered[], found: readonly Rendered[]): Differences => {
  const [before, after] = [byName(defaults), byName(found)];
  const common = [...after.keys()].filter((name) => before.has(name)).sort();
  return {
    added: [...after.keys()].filter((name) => !before.has(name)).sort(),
    removed: [...before.keys()].filter((name) => !after.has(name)).sort(),
    changed: Object.fromEntries(
      common.flatMap((name) => {
        const [old, present] = [leavesOf(before.get(name)), leavesOf(after.get(name))];
        const lines = [
          ...old.filter((leaf) => !present.includes(leaf)).map((leaf) => `- ${leaf}`),
          ...present.filter((leaf) => !old.includes(leaf)).map((leaf) => `+ ${leaf}`),
        ];
        return lines.length === 0 ? [] : [[name, lines] as const];
      }),
    ),
  };
};

const byName = (objects: readonly Rendered[]): ReadonlyMap<string, Rendered> =>
  new Map(objects.map((object) => [nameOf(object), object]));

/** `path=value` of every leaf. An entry of a list has no number, so that another entry before it changes nothing. */
const leavesOf = (node: unknown, path = ''): readonly string[] => {
  if (Array.isArray(node)) return node.flatMap((item) => leavesOf(item, `${path}[]`));
  if (typeof node === 'object' && node !== null)
    return Object.entries(node).flatMap(([name, value]) => leavesOf(value, `${path}.${name}`));
  return [`${path}=${JSON.stringify(node)}`];
};
