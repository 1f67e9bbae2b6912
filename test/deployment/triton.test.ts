/** `config.pbtxt` by Triton's own definition, and the provenance by in-toto's. */
import test from 'ava';
import { writeProvenance } from '../../src/export/deployment/provenance.ts';
import { type TritonEngine, writeTritonConfig } from '../../src/export/deployment/triton.ts';
import { architectureNames } from '../../src/ground/contract/architectures.ts';
import type { DeploymentFile } from '../../src/ground/contract/deployment.ts';
import { anEngine, builder } from './facts.ts';
import { parseStatement, parseTriton, type TritonConfig } from './owners.ts';

const configOf = (
  { network, engine }: DeploymentFile,
  engines: readonly TritonEngine[] = [engine],
): Promise<TritonConfig> => {
  const { text, refused } = writeTritonConfig({ network, engines, labels: 'model.labels.txt' });
  if (text === undefined) throw new Error(refused);
  return parseTriton(text);
};

const outputs = {
  classification: ['predictions/Softmax TYPE_FP32 2 model.labels.txt'],
  detectnet_v2: ['output_bbox/BiasAdd TYPE_FP32 4,10,16', 'output_cov/Sigmoid TYPE_FP32 1,10,16'],
  ssd: ['NMS TYPE_FP32 1,100,7', 'NMS_1 TYPE_INT32 1,1,1'],
  dssd: ['NMS TYPE_FP32 1,100,7', 'NMS_1 TYPE_INT32 1,1,1'],
  retinanet: ['NMS TYPE_FP32 1,100,7', 'NMS_1 TYPE_INT32 1,1,1'],
  faster_rcnn: ['nms_out TYPE_FP32 1,30,7', 'nms_out_1 TYPE_INT32 1,1,1'],
  yolo: [
    'BatchedNMS TYPE_INT32 1',
    'BatchedNMS_1 TYPE_FP32 100,4',
    'BatchedNMS_2 TYPE_FP32 100',
    'BatchedNMS_3 TYPE_FP32 100',
  ],
} as const;

for (const architecture of architectureNames)
  test(`${architecture}: Triton's own definition reads the configuration`, async (t) => {
    const facts = await anEngine(architecture);
    const config = await configOf(facts);
    const { name, channels, height, width } = facts.network.input;
    t.deepEqual(config.input, [
      { name, data_type: 'TYPE_FP32', dims: [channels, height, width].map(String) },
    ]);
    t.deepEqual(
      config.output.map((each) =>
        [each.name, each.data_type, each.dims.join(','), each.label_filename].filter(Boolean).join(' '),
      ),
      [...outputs[architecture]],
    );
    t.is(config.platform, 'tensorrt_plan');
    t.is(config.max_batch_size, 8);
    t.deepEqual(config.cc_model_filenames, { '7.5': 'model.engine' });
    t.is(config.default_model_filename, undefined, 'no engine for a GPU of another capability');
    t.like(config.instance_group[0], { kind: 'KIND_GPU' });
  });

test('several engines: one per compute capability, and the smallest of their largest batches', async (t) => {
  const facts = await anEngine('detectnet_v2');
  const other = {
    ...facts.engine,
    file: '8.6.engine',
    computeCapability: '8.6',
    batch: { min: 1, opt: 2, max: 4 },
  };
  const config = await configOf(facts, [facts.engine, other]);
  t.deepEqual(config.cc_model_filenames, { '7.5': 'model.engine', '8.6': '8.6.engine' });
  t.is(config.max_batch_size, 4);
  t.truthy(config.dynamic_batching);
});

test('a graph with one batch size has it in its shapes, and an accelerator is a secondary device', async (t) => {
  const facts = await anEngine('detectnet_v2', { dlaCore: 1, batch: { min: 2, opt: 2, max: 2 } });
  const network = { ...facts.network, input: { ...facts.network.input, fixedBatch: 2 } };
  const config = await configOf({ ...facts, network });
  t.is(config.max_batch_size, undefined, '0');
  t.deepEqual(config.input[0]!.dims, ['2', '3', '160', '256']);
  t.is(config.dynamic_batching, undefined);
  // KIND_NVDLA is the default of its enum, which protobuf leaves out.
  t.like(config.instance_group[0], { secondary_devices: [{ device_id: '1' }] });
});

test('an engine of ONNX Runtime runs on CPUs, and names are quoted', async (t) => {
  const facts = await anEngine('classification', { backend: 'OnnxRuntime', file: 'm.onnx' });
  const { computeCapability: _, ...engine } = facts.engine;
  const name = 'a "quoted\\ ö\nname';
  const network = { ...facts.network, input: { ...facts.network.input, name } };
  const config = await configOf({ ...facts, network, engine });
  t.is(config.platform, 'onnxruntime_onnx');
  t.is(config.default_model_filename, 'm.onnx');
  t.like(config.instance_group[0], { kind: 'KIND_CPU' });
  t.is(config.input[0]!.name, name);
});

test('Triton has no backend for TensorRT for RTX', async (t) => {
  const { network, engine } = await anEngine('ssd', { backend: 'TensorRtRtx' });
  t.regex(writeTritonConfig({ network, engines: [engine], labels: undefined }).refused ?? '', /no backend/);
});

test("the provenance is an in-toto statement with SLSA's predicate, of the engine's digest and materials", async (t) => {
  const image = `nvcr.io/nvidia/tensorrt@sha256:${'d'.repeat(64)}`;
  const facts = await anEngine('ssd', { key: 'k1', image });
  const text = writeProvenance(facts, builder);
  const { predicate } = (await parseStatement(text)) as { readonly predicate: unknown };
  t.deepEqual(JSON.parse(text).subject, [{ name: 'model.engine', digest: { sha256: 'b'.repeat(64) } }]);
  t.like(predicate, {
    buildDefinition: {
      buildType: 'https://export.tlt.dev/engine/v1',
      resolvedDependencies: [
        { name: 'etlt', uri: 'pvc://c/m.etlt', digest: { sha256: 'c'.repeat(64) } },
        { name: 'export input: model', digest: { sha256: 'a'.repeat(64) } },
        { name: 'builder image', uri: image, digest: { sha256: 'd'.repeat(64) } },
      ],
    },
    runDetails: {
      builder: { id: builder.id, version: { 'tlt-export-operator': '1.2.3', TensorRT: '10.3.0' } },
      metadata: { invocationId: 'k1' },
    },
  });
  t.is(writeProvenance(facts, builder), text, 'the same build gives the same bytes');
});
