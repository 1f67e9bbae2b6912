/**
 * Entry: finds words that this project does not use in code, comments, messages and pages, and names the plain word for each.
 * Part of `npm run verify`, which fails with file and line.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Places whose text is written with these words in mind: files, or folders with all that is in them. */
const checked: readonly string[] = [
  'src/formats',
  'src/export',
  'src/graph/keras',
  'src/graph/transforms',
  'src/graph/plugins',
  'src/graph/inference',
  'src/graph/evaluation',
  'src/graph/builders',
  'src/graph/precision',
  'test/keras',
  'test/exporting',
  'test/models',
  'test/generator',
  'test/engines',
  'test/collection',
  'test/published',
  'test/report',
  'test/codec',
  'src/cluster',
  'src/caches.ts',
  'src/controllers.ts',
  'src/operator.ts',
  'src/generate.ts',
  'src/README.md',
  'test/api',
  'test/modelexport',
  'test/metrics',
  'test/runtime',
  'test/jobs',
  'test/ownedjobs',
  'test/calibrationtensorfile',
  'test/deviceclass',
  'test/cluster',
  'test/e2e',
  'test/outages',
  'test/observability',
  'test/demo',
  'test/language.ts',
  'src/data',
  'src/calibration',
  'src/ground',
  'test/preprocessing',
  'test/datasets',
  'test/specs',
  'test/calibration',
  'test/base',
  'test/contract',
  'src/adapters',
  'src/cgroup.ts',
  'src/generate-onnx.ts',
  'src/node-version.ts',
  'src/sbom.ts',
  'src/supervisor.ts',
  'src/tlt-export.ts',
  'src/tlt-int8-tensorfile.ts',
  'src/tlt-model.ts',
  'src/tool.ts',
  'src/work.ts',
  'src/worker.ts',
  'deploy',
  'test/bench',
  'test/bombs',
  'test/browser',
  'test/builders',
  'test/checkpoints',
  'test/faults',
  'test/formats',
  'test/fuzz',
  'test/limits',
  'test/models',
  'test/peers',
  'test/photos',
  'test/security',
  'test/storage',
  'test/tlt-export',
  'test/tlt-int8-tensorfile',
  'test/tlt-model',
  'test/tools',
  'test/worker',
  'README.md',
  'CONTRIBUTING.md',
  'docs',
];

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
