/** What ONNX Runtime does beside computing. */
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { aFolder, runProcess } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { photosFolder } from '../photos/photos.ts';

test('a calibration, in its threads and out of them, leaves no identity of the machine to report with', async (t) => {
  const cwd = aFolder();
  writeFileSync(join(cwd, 'model.onnx'), await smallClassifier());
  const home = mkdtempSync(join(tmpdir(), 'tlt-test-home-'));
  // A test run suppresses reports too, and so must not be recognised.
  const env = { HOME: home, CI: undefined, XDG_CACHE_HOME: undefined, ORT_DISABLE_TELEMETRY: undefined };
  const images = ['--cal_image_dir', await photosFolder(), '--batches', '1', '--batch_size', '4'];
  const files = ['-m', 'model.onnx', '--key_file', 'key.txt', '-o', 'model.etlt'];
  const { code, stderr } = await runProcess(
    'tlt-export',
    ['classification', ...files, '--data_type', 'int8', ...images],
    { cwd, env },
  );
  t.is(code, 0, stderr);
  t.false(existsSync(join(home, '.cache')));
});
