/**
 * Checks the Node.js version before anything else is loaded. An older Node.js would fail on missing exports or syntax with an
 * error that does not name the cause, so this file imports nothing and uses only old syntax.
 */

/** Minimum major version; `engines` in package.json. */
export const minNodeMajor = 24;

/** Why this version (`v20.1.0`) cannot run the program; undefined if it can. */
export const explainOldNode = (version: string): string | undefined =>
  Number(version.slice(1).split('.')[0]) < minNodeMajor
    ? `Node.js ${minNodeMajor} or later is required, and this is ${version}. Install it, or run the program with another node.`
    : undefined;

/** Ends the process with exit code 1 and a message if Node.js is too old. */
export const checkNode = (program: string): void => {
  const why = explainOldNode(process.version);
  if (why === undefined) return;
  process.stderr.write(`${program}: ${why}\n`);
  process.exit(1);
};
