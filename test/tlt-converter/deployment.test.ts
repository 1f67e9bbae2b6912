/** `--deployment` of tlt-converter and tlt-export: the files beside an engine, and the key only where it is requested. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { parseDeploymentFile } from '../../src/ground/contract/deployment.ts';
import { standInCommand } from '../builders/codec.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { specOf } from '../builders/training.ts';
import { parseTriton } from '../deployment/owners.ts';
import { detectorFile, modelFile } from '../models/models.ts';
import { writeStandInPython } from '../tensorrt/stand-in.ts';

const key = 'correct horse battery staple';

test('tlt-converter writes what DeepStream and Triton need beside an engine of the accelerator of this machine', async (t) => {
  const cwd = aFolder(key);
  const python = await writeStandInPython(cwd, { version: '10.3.0' });
  writeFileSync(join(cwd, 'spec.txt'), specOf('ssd'));
  const args = ['-t', 'fp16', '-m', '4', '-e', 'ssd.engine', '--python', python];
  const deployment = ['--deployment', '--architecture', 'ssd', '--experiment_spec', 'spec.txt'];
  const ran = await runTool('tlt-converter', [...args, ...deployment, detectorFile('ssd')], { cwd });
  t.is(ran.code, 0, ran.stderr);
  const read = (name: string) => readFileSync(join(cwd, name), 'utf8');
  t.deepEqual(
    readdirSync(cwd)
      .filter((name) => name.startsWith('ssd.'))
      .sort(),
    [
      'ssd.config.pbtxt',
      'ssd.deployment.json',
      'ssd.engine',
      'ssd.intoto.json',
      'ssd.labels.txt',
      'ssd.nvinfer.txt',
    ],
  );
  t.regex(read('ssd.nvinfer.txt'), /^model-engine-file=ssd\.engine$/m);
  t.regex(read('ssd.nvinfer.txt'), /^labelfile-path=ssd\.labels\.txt$/m);
  t.regex(read('ssd.nvinfer.txt'), /^network-mode=2$/m);
  const { cc_model_filenames, max_batch_size } = await parseTriton(read('ssd.config.pbtxt'));
  t.deepEqual(cc_model_filenames, { '8.6': 'ssd.engine' }, 'the capability that the driver found');
  t.is(max_batch_size, 4);
  const facts = parseDeploymentFile(read('ssd.deployment.json'));
  t.is(facts?.engine.sha256, sha256(readFileSync(join(cwd, 'ssd.engine'))));
  t.deepEqual(JSON.parse(read('ssd.intoto.json')).subject, [
    { name: 'ssd.engine', digest: { sha256: facts?.engine.sha256 } },
  ]);
  const again = await runTool('tlt-converter', ['-e', 'ssd.plan', ...deployment, detectorFile('ssd')], {
    cwd,
  });
  t.is(again.code, failures.OutputExists.exitCode, 'before Python is started');
});

test('tlt-export: class names of a map, and the key in the configuration only on request', async (t) => {
  const cwd = aFolder(key);
  const python = await writeStandInPython(cwd, { version: '10.3.0' });
  writeFileSync(join(cwd, 'classmap.json'), '{"rotated": 1, "upright": 0}');
  const exportTo = (name: string, ...more: readonly string[]) =>
    runTool(
      'tlt-export',
      [
        ...['classification', '-m', modelFile('classifier'), '--key_file', 'key.txt', '-o', `${name}.etlt`],
        ...[
          '--codec_command',
          JSON.stringify(standInCommand),
          '--engine_backend',
          'TensorRt',
          '--python',
          python,
        ],
        ...['--tensorrt_version', '10.3.0', '--engine_file', `${name}.engine`, '--deployment'],
        ...['--classmap_json', 'classmap.json', ...more],
      ],
      { cwd },
    );
  const silent = await exportTo('a');
  t.is(silent.code, 0, silent.stderr);
  const loud = await exportTo('b', '--key_in_config');
  t.is(loud.code, 0, loud.stderr);
  const named = readdirSync(cwd).filter((name) => name !== 'key.txt');
  const holding = named.filter((name) => readFileSync(join(cwd, name)).includes(key));
  t.deepEqual(holding, ['b.nvinfer.txt']);
  t.is(statSync(join(cwd, 'b.nvinfer.txt')).mode & 0o777, 0o600);
  const config = readFileSync(join(cwd, 'b.nvinfer.txt'), 'utf8');
  t.regex(config, /^tlt-encoded-model=b\.etlt$/m);
  t.regex(config, /^tlt-model-key=correct horse battery staple$/m);
  t.is(readFileSync(join(cwd, 'b.labels.txt'), 'utf8'), 'upright\nrotated\n');
  t.is(readFileSync(join(cwd, 'b.classes.txt'), 'utf8'), 'upright;rotated\n');
});

test('tlt-export: --deployment needs an engine, and a class map the indices of the outputs', async (t) => {
  const cwd = aFolder(key);
  const model = ['classification', '-m', modelFile('classifier'), '--key_file', 'key.txt'];
  const without = await runTool('tlt-export', [...model, '--deployment'], { cwd });
  t.is(without.code, failures.Usage.exitCode);
  t.regex(without.stderr, /--deployment describes an engine, and none is built\. Add --engine_file/);
  writeFileSync(join(cwd, 'classmap.json'), '{"a": 0, "b": 2}');
  const engine = ['--engine_file', 'm.onnx', '--deployment', '--classmap_json', 'classmap.json'];
  const gap = await runTool('tlt-export', [...model, ...engine], { cwd });
  t.is(gap.code, failures.SpecInvalid.exitCode);
  t.regex(gap.stderr, /classmap\.json: no class has the index 1/);
  t.deepEqual(readdirSync(cwd).sort(), ['classmap.json', 'key.txt'], 'nothing is written');
});
