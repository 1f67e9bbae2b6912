/** A signal or a memory limit ends a tool at any point with its own exit code, and no file is left. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { failures } from '../../src/ground/base/failures.ts';
import { makeGroup, runBounded } from '../bombs/cgroup.ts';
import { loopWithoutEnd, shapeFromImage } from '../bombs/onnx.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const entry = join(import.meta.dirname, '..', '..', 'src', 'tlt-export.ts');

const startExport = async (model: Uint8Array) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-test-signal-'));
  const path = join(folder, 'model.onnx');
  writeFileSync(path, model);
  const cache = ['--cal_cache_file', join(folder, 'cal.bin')];
  const int8 = ['--data_type', 'int8', '--cal_image_dir', await smallPhotosFolder(), '--batches', '1'];
  const args = ['classification', '-m', path, '-k', 'k', '-o', join(folder, 'm.etlt'), '--batch_size', '1'];
  return { folder, args: [entry, ...args, ...int8, ...cache] };
};

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`one ${signal} ends an endless loop inside ONNX Runtime`, async (t) => {
    const { folder, args } = await startExport(loopWithoutEnd());
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (part) => {
      // From here on the network is opened and run. The signal may arrive before, during or after its first iteration.
      if (!stderr.includes('Loading model') && `${part}`.includes('Loading model'))
        setTimeout(() => child.kill(signal), 3000);
      stderr += part;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    t.is(code, failures.Interrupted.exitCode, stderr);
    t.regex(stderr, new RegExp(`Stopped by ${signal}`));
    t.deepEqual(readdirSync(folder), ['model.onnx']);
  });

/** Without permission to create a cgroup there is no limit to test. */
const group = makeGroup(1024);
(group === undefined ? test.skip : test)(
  'a model that allocates 16 GiB while it runs is ended by the tool, not by the OOM killer',
  async (t) => {
    const { folder, args } = await startExport(shapeFromImage());
    const { exitCode, killed, peakMiB, stderr } = await runBounded(args, { memoryMiB: 1024, seconds: 200 });
    t.is(exitCode, failures.OutOfMemory.exitCode, stderr);
    t.is(killed, 0);
    t.true(peakMiB < 1024);
    t.regex(stderr, /the work uses \d+ MiB of its memory limit of 1024 MiB/);
    t.deepEqual(readdirSync(folder), ['model.onnx']);
  },
);
