/** Names from files appear on terminals and in logs. They must not move the cursor or forge a log line. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { printable, printableJson, printableLines } from '../../src/ground/base/printable.ts';
import { runTool } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';

const title = '\x1b]0;owned\x07\x1b[2J';
const forged = '2018-11-02 18:59:43,347 [INFO] iva.common.tlt-export: Converted model was saved';
/** All control characters except the line ends of our own output. */
const controls = /[^\n\P{Cc}]|[\u202e\u2028]/u;

test('control characters are printed as escapes, and other text is unchanged', (t) => {
  t.is(printable(`a${title}b`), 'a\\x1b]0;owned\\x07\\x1b[2Jb');
  t.is(printable('über\n\u202egnp.exe\u009b2J'), 'über\\x0a\\u202egnp.exe\\x9b2J');
  t.is(printableLines('one\n  two\nthree\x1b'), 'one\n  two\n  three\\x1b');
  t.is(JSON.parse(printableJson({ name: '\u009b\u202e' })).name, '\u009b\u202e');
  t.false(controls.test(printableJson({ name: '\u009b\u202e' })));
});

test('names of tensors, producers, caches and files are printed without control characters', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'printable-'));
  const model = parseModel(await smallClassifier());
  model.producerName = `maker${title}\n${forged}`;
  const output = model.graph!.output[0]!;
  for (const node of model.graph!.node)
    node.output = node.output.map((name) => (name === output.name ? `out${title}` : name));
  output.name = `out${title}`;
  const name = `m\n${forged}.onnx`;
  writeFileSync(join(cwd, name), serializeModel(model));
  writeFileSync(join(cwd, 'cal.bin'), `TRT-8601-EntropyCalibration2\nt${title}: 3c010204\n`);
  writeFileSync(join(cwd, 'bad.bin'), `TRT-8601-EntropyCalibration2\nt${title}\n`);
  const inspected = await runTool('tlt-model', ['inspect', name, 'cal.bin', 'bad.bin'], { cwd });
  const exported = await runTool('tlt-export', ['ssd', '-m', name, '-k', 'k', '-e', `no\n${forged}`], {
    cwd,
  });
  const json = await runTool('tlt-model', ['inspect', '--json', name], { cwd });
  for (const { stdout, stderr } of [inspected, exported, json]) {
    t.false(controls.test(stdout + stderr), stdout + stderr);
    t.false(
      (stdout + stderr).split('\n').some((line) => line.startsWith(forged)),
      stdout + stderr,
    );
  }
  t.regex(inspected.stdout, /out\\x1b/);
});

test('a full disk behind standard output is reported as DiskFull', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'full-'));
  writeFileSync(join(folder, 'm.onnx'), await smallClassifier());
  const full = openSync('/dev/full', 'w');
  const tool = join(import.meta.dirname, '..', '..', 'src', 'tlt-model.ts');
  const { status, stderr } = spawnSync(process.execPath, [tool, 'inspect', join(folder, 'm.onnx')], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  t.is(status, 32, stderr);
  t.regex(stderr, /^tlt-model: Writing standard output: the disk is full/);
});
