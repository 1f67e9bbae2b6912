/** Checks commands that cannot run as written: programs, subcommands, flags, and files of this repository exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCommandLine } from '../../src/adapters/cli/command-line.ts';
import { converterProgram } from '../../src/ground/contract/converter-program.ts';
import { modelPrograms } from '../../src/ground/contract/model-programs.ts';
import { operatorProgram } from '../../src/ground/contract/operator-program.ts';
import { pluginPrograms } from '../../src/ground/contract/plugin-programs.ts';
import type { Program } from '../../src/ground/contract/program.ts';
import { exportProgram, tensorfileProgram } from '../../src/ground/contract/programs.ts';
import { helmBinary } from '../cluster/go-tools.ts';
import { run } from '../cluster/run.ts';
import { type SimpleCommand, splitCommands } from './shell-words.ts';

const root = join(import.meta.dirname, '..', '..');

/** Our programs by name, which for some contains a subcommand. */
const ours = new Map<string, Program>(
  [
    exportProgram,
    converterProgram,
    tensorfileProgram,
    operatorProgram,
    ...Object.values(modelPrograms),
    ...Object.values(pluginPrograms),
  ].map((program) => [program.name, program as Program]),
);

/** Programs of the system that a page may use without a check of their flags. */
const system = [
  'age',
  'cat',
  'cd',
  'chmod',
  'cp',
  'echo',
  'export',
  'head',
  'jq',
  'ls',
  'mkdir',
  'sha256sum',
  'sort',
  'source',
  'tail',
];

/** What is wrong with a command, or undefined. */
type Check = (words: SimpleCommand) => string | undefined | Promise<string | undefined>;

const checkOurs: Check = (words) => {
  const length = [3, 2, 1].find((count) => ours.has(words.slice(0, count).join(' ')));
  if (length === undefined) return 'unknown subcommand';
  try {
    parseCommandLine(ours.get(words.slice(0, length).join(' '))!, words.slice(length));
    return undefined;
  } catch (thrown) {
    return (thrown as Error).message;
  }
};

const helpTexts = new Map<string, Promise<string>>();

/** The help of a subcommand, asked once. */
const helpOf = (program: string, words: readonly string[]): Promise<string> => {
  const key = [program, ...words].join(' ');
  const known = helpTexts.get(key) ?? run(program, words);
  helpTexts.set(key, known);
  return known;
};

/** Flags of a command line, without values; a one-letter flag may have its value attached. */
const flagsOf = (words: SimpleCommand): readonly string[] => {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).flatMap((word) => /^(?:--[\w-]+|-\w)/.exec(word)?.[0] ?? []);
};

const findUnknownFlag = (words: SimpleCommand, help: string): string | undefined => {
  const unknown = flagsOf(words).find((flag) => !new RegExp(`^\\s+.*${flag}[,=:\\s]`, 'm').test(help));
  return unknown === undefined ? undefined : `the help has no flag ${unknown}`;
};

/** The help of the deepest subcommand that the words name: a group lists its subcommands in its own help. */
const checkWithHelp = async (
  program: string,
  words: SimpleCommand,
  globals: string,
): Promise<string | undefined> => {
  const named = words.slice(1, 2);
  let help = await helpOf(program, [...named, '--help']);
  for (const word of words.slice(2)) {
    if (!new RegExp(`^ +${word.replaceAll(/\W/g, '')} {2,}`, 'm').test(help)) break;
    named.push(word);
    help = await helpOf(program, [...named, '--help']);
  }
  return findUnknownFlag(words.slice(1), `${help}\n${globals}`);
};

const checkKubectl: Check = async (words) =>
  words[1] === 'modelexport'
    ? checkOurs(words)
    : checkWithHelp('kubectl', words, await helpOf('kubectl', ['options']));

const checkHelm: Check = async (words) => checkWithHelp(await helmBinary(), words, '');

const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

/** Targets and build arguments of a docker command are those of the Dockerfile. */
const checkDocker: Check = (words) => {
  for (const [index, word] of words.entries()) {
    const value = words[index + 1]?.split('=')[0];
    if (word === '--target' && !new RegExp(`^FROM .* AS ${value}$`, 'm').test(dockerfile))
      return `the Dockerfile has no target ${value}`;
    if (word === '--build-arg' && !new RegExp(`^ARG ${value}(?:=|$)`, 'm').test(dockerfile))
      return `the Dockerfile has no argument ${value}`;
  }
  return undefined;
};

const scripts = Object.keys(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);

const checkNpm: Check = ([, command, script]) => {
  if (command === 'run')
    return scripts.includes(script!) ? undefined : `package.json has no script ${script}`;
  return ['ci', 'test', 'pack', 'install'].includes(command!) ? undefined : `npm ${command} is not known`;
};

const checks: Readonly<Record<string, Check>> = {
  'tlt-export': checkOurs,
  'tlt-converter': checkOurs,
  'tlt-int8-tensorfile': checkOurs,
  'tlt-model': checkOurs,
  operator: checkOurs,
  kubectl: checkKubectl,
  helm: checkHelm,
  docker: checkDocker,
  npm: checkNpm,
  // A virtual environment of Python, and its own pip.
  'python3.10': () => undefined,
  'nvidia/bin/pip': () => undefined,
  ...Object.fromEntries(system.map((name) => [name, () => undefined])),
};

/** Words that name a file or folder of this repository. */
const isOurPath = (word: string): boolean => /^(?:crds|deploy|docs|helm|src|test)(?:\/|$)/.test(word);

const checkPaths: Check = (words) => {
  const missing = words.find((word) => isOurPath(word) && !existsSync(join(root, word)));
  return missing === undefined ? undefined : `${missing} does not exist`;
};

/** Problems of all commands of a block: with the command, what is wrong. */
export const findProblems = async (block: string): Promise<readonly string[]> => {
  const found: string[] = [];
  if (block.startsWith('#!')) return [];
  for (const words of splitCommands(block)) {
    const check = checks[words[0]!] ?? (() => `${words[0]} is no program that pages use`);
    for (const each of [check, checkPaths]) {
      const problem = await each(words);
      if (problem !== undefined) found.push(`${words.join(' ')}: ${problem}`);
    }
  }
  return found;
};
