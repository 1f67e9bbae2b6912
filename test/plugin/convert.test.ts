/** `kubectl modelexport convert`: command lines of `tlt-export` as manifests. */
import test from 'ava';
import { parseCommandLine } from '../../src/adapters/cli/command-line.ts';
import { parseKeepFloat, parseModelSettings } from '../../src/adapters/tlt-export/model-flags.ts';
import { convertLine, type ManifestChoices } from '../../src/cluster/plugin/convert.ts';
import type { Architecture } from '../../src/ground/contract/architectures.ts';
import { exportFlags } from '../../src/ground/contract/flags.ts';
import { exportProgram } from '../../src/ground/contract/programs.ts';

const choices: ManifestChoices = {
  name: 'detector',
  claim: { name: 'models', mount: '/workspace' },
  keySecret: 'detector-key',
  deviceClasses: ['ampere'],
};

const converted = (words: readonly string[], changes: Partial<ManifestChoices> = {}) => {
  const line = parseCommandLine(exportProgram, words);
  if (line.help !== undefined) throw new Error('--help');
  const { operands, values } = line;
  return convertLine(
    {
      architecture: operands[0] as Architecture,
      values,
      settings: parseModelSettings(values),
      keepFloat: parseKeepFloat(values),
    },
    { ...choices, ...changes },
  );
};

const specOf = (words: readonly string[]) =>
  (converted(words).manifest as { readonly spec: Readonly<Record<string, unknown>> }).spec;

test('every flag of an int8 export with images has its field', (t) => {
  const { manifest } = converted(
    [
      ...['detectnet_v2', '-m', '/workspace/detector.tlt', '-o', '/workspace/out/detector.etlt'],
      ...['-e', 'specs/train.txt', '--data_type', 'int8', '-s', '--force_ptq'],
      ...['--cal_image_dir', 'images/', '--batches', '20', '--batch_size', '4', '--cal_algorithm', 'Mse'],
      ...['--min_agreement', '20', '--require_int8', '--sensitivity', '--keep_float', 'conv1, head*'],
      ...[
        '--max_broken',
        '0.05',
        '--equalize',
        'auto',
        '--choose_algorithm',
        '--max_batch_size',
        '1',
        '--max_workspace_size',
        '536870912',
      ],
      ...['--input_dims', '3,384,1248', '--output_nodes', 'a,b', '--preprocess', 'order=BGR mean=127.5'],
    ],
    { namespace: 'vision' },
  );
  t.deepEqual(manifest, {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ModelExport',
    metadata: { name: 'detector', namespace: 'vision' },
    spec: {
      architecture: 'detectnet_v2',
      model: {
        uri: 'pvc://models/detector.tlt',
        ports: { outputs: ['a', 'b'] },
        inputDims: { channels: 3, height: 384, width: 1248 },
        preprocess: { channelOrder: 'BGR', mean: ['127.5'] },
      },
      keySecretRef: { name: 'detector-key' },
      experimentSpec: { uri: 'pvc://models/specs/train.txt' },
      dataType: 'int8',
      forcePtq: true,
      strictTypeConstraints: true,
      maxBatchSize: 1,
      maxWorkspaceSize: '512Mi',
      calibration: {
        source: 'ImageDirectory',
        imageDirectory: { uri: 'pvc://models/images' },
        batches: 20,
        batchSize: 4,
        algorithm: 'Mse',
        minAgreement: 20,
        equalize: 'auto',
        chooseAlgorithm: true,
        requireInt8: true,
        sensitivity: true,
        maxBrokenPercent: 5,
        keepFloat: ['conv1', 'head*'],
      },
      output: { uri: 'pvc://models/out' },
      deviceClasses: [{ name: 'ampere' }],
    },
  });
});

test('the other sources of calibration data have theirs', (t) => {
  const int8 = ['classification', '-m', 'm.tlt', '--data_type', 'int8'];
  t.like(specOf([...int8, '--cal_data_file', 'c.tensor']), {
    calibration: { source: 'Tensorfile', tensorfile: { uri: 'pvc://models/c.tensor' } },
  });
  t.like(specOf([...int8, '-e', 's.txt', '--data_root', '/workspace', '--path_in_spec', '/data']), {
    calibration: {
      source: 'DataLoader',
      dataLoader: { dataRoot: { uri: 'pvc://models/', pathInSpec: '/data' } },
    },
  });
  const unread = { message: /--equalize is not read with calibration source Tensorfile/ };
  t.throws(() => specOf([...int8, '--cal_data_file', 'c.tensor', '--equalize', 'auto']), unread);
  t.throws(() => specOf(int8), { message: /int8 has no calibration data: add --cal_image_dir/ });
  t.throws(() => specOf([...int8, '-e', 's.txt']), { message: /add --data_root/ });
});

test('a plain export has only what differs from the defaults; the output folder has the name of the object', (t) => {
  t.deepEqual(specOf(['classification', '-m', 'm.onnx', '-o', 'm.etlt']), {
    architecture: 'classification',
    model: { uri: 'pvc://models/m.onnx' },
    keySecretRef: { name: 'detector-key' },
    dataType: 'fp32',
    output: { uri: 'pvc://models/detector' },
    deviceClasses: [{ name: 'ampere' }],
  });
});

/** A value of each flag that no ModelExport can express. */
const lost: Readonly<Record<string, readonly string[]>> = {
  codec_command: ['./codec'],
  cal_histogram_file: ['h.hist'],
  cal_part: ['1/2'],
  cal_json_file: ['c.json'],
  seed: ['7'],
  tensorrt_version: ['10.3'],
  engine_backend: ['TensorRt'],
  compute_capability: ['8.6'],
  python: ['python3.12'],
  verbose: [],
};

test('a flag without a counterpart is refused by name, with what to do instead', (t) => {
  for (const [flag, value] of Object.entries(lost)) {
    t.true(flag in exportFlags, flag);
    t.throws(() => converted(['classification', '-m', 'm.tlt', `--${flag}`, ...value]), {
      message: new RegExp(`no counterpart of --${flag} \\((the device class sets it|remove it)`),
    });
  }
  t.throws(() => converted(['classification', '-m', 'm.tlt', '--seed', '7', '-v']), {
    message: /--seed .*; --verbose /,
  });
});

test('a flag that would not be read is refused', (t) => {
  const int8 = ['classification', '-m', 'm.tlt', '--data_type', 'int8', '--cal_data_file', 'c.tensor'];
  t.throws(() => converted([...int8, '--min_agreement', '20']), {
    message: /--min_agreement is not read with/,
  });
  t.throws(() => converted(['classification', '-m', 'm.tlt', '--cal_image_dir', 'i']), {
    message: /--cal_image_dir \(remove it: it is read only with --data_type int8\)/,
  });
  t.throws(() => converted([...int8, '--cal_image_dir', 'i']), { message: /writes a tensorfile/ });
});

test('a path outside of the claim is refused', (t) => {
  const of = (path: string, mount?: string) => () =>
    converted(['classification', '-m', path], { claim: { name: 'models', mount } });
  t.throws(of('/home/me/m.tlt', '/workspace'), {
    message: /--model \/home\/me\/m\.tlt is not below --mount/,
  });
  t.throws(of('/home/me/m.tlt'), { message: /is absolute: name .* with --mount/ });
  t.throws(of('../m.tlt'), { message: /leaves the claim/ });
  t.throws(of('/workspace/../m.tlt', '/workspace'), { message: /not below/ });
  t.throws(of('/workspace/m.tlt', 'workspace'), { message: /--mount: workspace is relative/ });
  t.throws(of('.'), { message: /is the root of the claim/ });
});

test('the key appears nowhere', (t) => {
  const found = converted(['classification', '-m', 'm.tlt', '-k', 'correct horse']);
  t.false(JSON.stringify(found).includes('correct horse'));
  t.regex(found.notes[0] ?? '', /kubectl create secret generic detector-key --from-file=key=FILE/);
});

test('names of files that the operator chooses are noted', (t) => {
  const { notes } = converted([
    'classification',
    '-m',
    'm.tlt',
    '--key_file',
    'k',
    '-o',
    'x/m.etlt',
    '--report',
    'r.html',
  ]);
  t.regex(notes[1] ?? '', /The names in --output_file, --report are not used/);
});
