/** The nvinfer configuration of every module: documented keys, and the preprocessing that the network was trained with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { normaliseInto } from '../../src/data/preprocessing/normalise.ts';
import { writeDeploymentFiles } from '../../src/export/deployment/deployment-files.ts';
import { writeNvinfer } from '../../src/export/deployment/nvinfer.ts';
import { nvinferKeys } from '../../src/export/deployment/nvinfer-keys.ts';
import { type Architecture, architectureNames } from '../../src/ground/contract/architectures.ts';
import type { DeploymentFile } from '../../src/ground/contract/deployment.ts';
import { anEngine, builder, openTestModel } from './facts.ts';

type Groups = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Reads the file as GLib's key files are read: groups, `key=value`, comments at the start of a line. */
const parse = (text: string): Groups => {
  const groups: Record<string, Record<string, string>> = {};
  let group: Record<string, string> | undefined;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const title = /^\[(.+)\]$/.exec(line)?.[1];
    if (title !== undefined) {
      group = groups[title] = {};
      continue;
    }
    const [key, ...value] = line.split('=');
    group![key!] = value.join('=');
  }
  return groups;
};

const configOf = (facts: DeploymentFile, files = {}): Groups => {
  const { text, refused } = writeNvinfer(facts, { labels: 'model.labels.txt', ...files });
  if (text === undefined) throw new Error(refused);
  return parse(text);
};

const documented = Object.fromEntries(
  readFileSync(join(import.meta.dirname, '../fixtures/deepstream/nvinfer-keys.txt'), 'utf8')
    .split('\n[')
    .slice(1)
    .map((part) => {
      const [group, ...keys] = part.split('\n');
      return [group!.replace(']', ''), new Set(keys)] as const;
    }),
);

test('every key is documented, in its group', (t) => {
  for (const [name, { group, unit }] of Object.entries(nvinferKeys)) {
    t.true(documented[group]?.has(name), name);
    t.not(unit, '');
  }
});

const expected: Readonly<Record<Architecture, Readonly<Record<string, string>>>> = {
  classification: {
    'network-type': '1',
    'infer-dims': '3;48;192',
    'model-color-format': '1',
    'output-blob-names': 'predictions/Softmax',
    'classifier-threshold': '0.2',
  },
  detectnet_v2: {
    'network-type': '0',
    'infer-dims': '3;160;256',
    'net-scale-factor': '0.00392156862745098',
    offsets: '0;0;0',
    'model-color-format': '0',
    'num-detected-classes': '1',
    'output-blob-names': 'output_bbox/BiasAdd;output_cov/Sigmoid',
    'cluster-mode': '2',
  },
  ssd: { 'num-detected-classes': '3', 'parse-bbox-func-name': 'NvDsInferParseCustomNMSTLT' },
  dssd: { 'num-detected-classes': '3', 'output-blob-names': 'NMS;NMS_1' },
  retinanet: { 'num-detected-classes': '3', offsets: '103.939;116.779;123.68', 'cluster-mode': '4' },
  faster_rcnn: { 'num-detected-classes': '3', 'output-blob-names': 'nms_out;nms_out_1' },
  yolo: {
    'num-detected-classes': '2',
    'output-blob-names': 'BatchedNMS;BatchedNMS_1;BatchedNMS_2;BatchedNMS_3',
    'parse-bbox-func-name': 'NvDsInferParseCustomBatchedNMSTLT',
    'maintain-aspect-ratio': '1',
  },
};

for (const architecture of architectureNames)
  test(`${architecture}: a complete configuration that feeds the network as training did`, async (t) => {
    const { property, ...others } = configOf(await anEngine(architecture));
    for (const [group, keys] of Object.entries({ property: property!, ...others }))
      for (const key of Object.keys(keys)) t.true(documented[group]?.has(key), `${group} ${key}`);
    t.like(property, {
      'model-engine-file': 'model.engine',
      'labelfile-path': 'model.labels.txt',
      'batch-size': '8',
      'network-mode': '1',
      ...expected[architecture],
    });
    t.false('tlt-encoded-model' in property!);

    const { preprocessing, channels } = await openTestModel(architecture);
    const data = Uint8Array.from([0, 77, 255, 128, 3, 201]);
    const wanted = new Float32Array(6);
    normaliseInto(wanted, 0, { data, height: 1, width: 2, channels }, preprocessing);
    const offsets = property!.offsets!.split(';').map(Number);
    const order = property!['model-color-format'] === '1' ? [2, 1, 0] : [0, 1, 2];
    const fed = order.flatMap((from, channel) =>
      [0, 1].map(
        (pixel) => Number(property!['net-scale-factor']) * (data[pixel * 3 + from]! - offsets[channel]!),
      ),
    );
    t.deepEqual(fed.map(Math.fround), [...wanted]);
  });

test('the engine of a core of an accelerator, in fp16', async (t) => {
  const { property } = configOf(await anEngine('detectnet_v2', { dataType: 'fp16', dlaCore: 1 }));
  t.like(property, { 'enable-dla': '1', 'use-dla-core': '1', 'network-mode': '2' });
});

test('an .etlt of the codec is named, its key only on request, in a group that nothing in a name can leave', async (t) => {
  const facts = await anEngine('detectnet_v2');
  const files = { encodedModel: '../m.codec.etlt', calibrationCache: '../calibration.cache' };
  const without = writeNvinfer(facts, { labels: undefined, ...files }).text!;
  t.regex(without, /^# If DeepStream is to build an engine itself, add tlt-model-key/m);
  t.like(parse(without).property, {
    'tlt-encoded-model': '../m.codec.etlt',
    'int8-calib-file': '../calibration.cache',
  });
  t.false('tlt-model-key' in parse(without).property!);
  t.is(configOf(facts, { ...files, key: 'secret' }).property!['tlt-model-key'], 'secret');
});

const refusal = (facts: DeploymentFile) => writeNvinfer(facts, { labels: undefined }).refused;

test('what nvinfer cannot run is refused by name', async (t) => {
  const facts = await anEngine('detectnet_v2');
  const { network, engine } = facts;
  t.regex(
    refusal({ ...facts, engine: { ...engine, backend: 'TensorRtRtx' } })!,
    /loads engines of classic TensorRT/,
  );
  const scaled = { ...network.preprocessing, scale: ['1', '2', '3'] };
  t.regex(
    refusal({ ...facts, network: { ...network, preprocessing: scaled } })!,
    /one scale for all channels/,
  );
  const named = network.outputs.map((output) => ({ ...output, name: 'x\ncustom-lib-path=/tmp/evil.so' }));
  t.regex(refusal({ ...facts, network: { ...network, outputs: named } })!, /cannot hold/);
  const ssd = await anEngine('ssd');
  t.regex(refusal({ ...ssd, network: { ...ssd.network, labels: [] } })!, /number of classes is unknown/);
});

test('labels: one a line for detectors and Triton, one line for the classifier of DeepStream', async (t) => {
  const text = async (architecture: Architecture) =>
    Object.fromEntries(
      writeDeploymentFiles(await anEngine(architecture), { builder }).files.map((file) => [
        file.name,
        file.text,
      ]),
    );
  const ssd = await text('ssd');
  t.is(ssd['model.labels.txt'], 'background\nbrick\ncoin\n');
  t.is(parse(ssd['model.nvinfer.txt']!).property!['labelfile-path'], 'model.labels.txt');
  t.is((await text('faster_rcnn'))['model.labels.txt'], 'brick\ncoin\nbackground\n');
  const classifier = await text('classification');
  t.is(classifier['model.labels.txt'], 'cat\na; dog\n');
  t.is(classifier['model.classes.txt'], 'cat;a, dog\n');
  t.is(parse(classifier['model.nvinfer.txt']!).property!['labelfile-path'], 'model.classes.txt');
});
