/**
 * Entry: finds words that this project does not use in code, comments, messages and pages, and names the plain word for each.
 * Part of `npm run verify`, which fails with file and line.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** The places that are checked: files, or folders with all that is in them. */
const checked: readonly string[] = ['src', 'test', 'docs', 'deploy', 'helm', 'README.md', 'CONTRIBUTING.md'];

/** What not to write, as the body of a regular expression, and what to write instead. */
const words: Readonly<Record<string, string>> = {
  'mend(s|ed|ing)?': 'fix',
  lies: 'is, is in, is at',
  anew: 'again',
  'once more': 'again',
  whoever: 'name the person or program',
  'puts? up with': 'tolerates',
  'that (is|are) there': 'existing',
  '(is|are|was|were) (told|said)': 'is reported, is logged, is documented',
  'hinder(s|ed|ing)?': 'prevents',
  'wish(es|ed|ing)?': 'request, option, want',
  'goes on': 'continues',
  told: 'says, reports, logs',
  'asked for': 'requested, required',
  'kept out': 'held out, excluded',
  'cut short': 'truncated',
  'by chance': 'at random',
  'so many': 'this many',
  'whole or not at all': 'complete or not at all',
  'stands? (in|at|beside|behind)': 'is in, is at, is next to',
};

const isText = (path: string): boolean => /\.(ts|py|md|yaml)$/.test(path) && !path.includes('/generated/');

const filesOf = (place: string): readonly string[] =>
  isText(place) ? [place] : globSync(`${place}/**/*`, { cwd: root }).filter(isText);

/** The list of words is the one place that must hold them. */
const isData = (path: string, line: string): boolean =>
  path === 'test/language.ts' && /^ {2}\S.*: '.*',$/.test(line);

const patterns = Object.entries(words).map(
  ([body, better]) => [new RegExp(`\\b(?:${body})\\b`, 'i'), better] as const,
);

const findings = checked.flatMap(filesOf).flatMap((path) =>
  readFileSync(join(root, path), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      isData(path, line)
        ? []
        : patterns.flatMap(([pattern, better]) => {
            const found = pattern.exec(line)?.[0];
            return found === undefined ? [] : [`${path}:${index + 1}: "${found}": write ${better}`];
          }),
    ),
);

for (const finding of findings) console.error(finding);
process.exitCode = findings.length > 0 ? 1 : 0;
