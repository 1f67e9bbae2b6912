/** A tree as lines of text. */

/** A line, and what is below it. */
export type Branch = { readonly text: string; readonly below: readonly Branch[] };

/** A branch with nothing below it. */
export const leaf = (text: string): Branch => ({ text, below: [] });

/** The lines of a tree; the root has no mark before it. */
export const drawTree = ({ text, below }: Branch): readonly string[] => [text, ...drawBelow(below)];

const drawBelow = (branches: readonly Branch[]): readonly string[] =>
  branches.flatMap((branch, index) => {
    const isLast = index === branches.length - 1;
    const [first = '', ...rest] = drawTree(branch);
    return [`${isLast ? '└─' : '├─'} ${first}`, ...rest.map((line) => `${isLast ? '  ' : '│ '} ${line}`)];
  });
