/** The packed tarball, installed as docs/tools.md says, runs without the source tree. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { smallClassifier } from '../models/small-classifier.ts';

const root = join(import.meta.dirname, '..', '..');
const tools = ['tlt-converter', 'tlt-export', 'tlt-int8-tensorfile', 'tlt-model', 'kubectl-modelexport'];

/** The words of the page's `npm install --global …`, without the file. */
const installWords = (): readonly string[] => {
  const [, words = ''] = /npm install (--global .*) \.\/\S+\.tgz/.exec(
    readFileSync(join(root, 'docs/tools.md'), 'utf8'),
  )!;
  return ['install', ...words.split(' ')];
};

test.serial(
  'npm install --global of the tarball puts the five programs on the PATH, and they export a model',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tlt-npm-'));
    const npm = (args: readonly string[], cwd: string) =>
      execFileSync('npm', [...args, '--silent', '--prefer-offline', '--no-audit', '--no-fund'], {
        cwd,
        encoding: 'utf8',
        env: { ...process.env, npm_config_prefix: folder },
      });
    const packed = npm(['pack', '--pack-destination', folder], root).trim();
    npm([...installWords(), `./${packed}`], folder);

    writeFileSync(join(folder, 'key.txt'), 'correct horse');
    writeFileSync(join(folder, 'm.onnx'), await smallClassifier());
    const PATH = `${join(folder, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`;
    const run = (tool: string, words: readonly string[]) =>
      execFileSync(tool, words, {
        cwd: folder,
        env: { PATH },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    for (const tool of tools)
      t.regex(
        run(tool, ['--help']),
        new RegExp(`^usage: ${tool.replace('kubectl-', 'kubectl ')}`, 'i'),
        tool,
      );
    run('tlt-export', ['classification', '-m', 'm.onnx', '--key_file', 'key.txt', '-o', 'm.etlt']);
    t.regex(run('tlt-model', ['inspect', 'm.etlt', '--key_file', 'key.txt']), /predictions\/Softmax/);
  },
);

test.serial('the Python programs of the sources are packed', (t) => {
  const [{ files }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
  ) as readonly [{ readonly files: readonly { readonly path: string }[] }];
  const packed = files.map(({ path }) => path).filter((path) => path.endsWith('.py'));
  const programs = globSync('**/*.py', { cwd: join(root, 'src') }).map((path) => `dist/${path}`);
  t.deepEqual(packed.toSorted(), programs.toSorted());
});
