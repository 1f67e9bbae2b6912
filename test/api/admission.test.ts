/** The CRDs in a real apiserver: the defaults it fills in, the objects it rejects, and its messages. */
import test from 'ava';
import { kstatusOf } from '../builders/kstatus.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { eventually } from '../cluster/run.ts';
import { havePlans, sampleClasses } from './tensorrt-samples.ts';

let plane: ControlPlane;

test.before(async () => {
  plane = await startControlPlane();
  await installCrds(plane);
  // The apiserver serves a kind before its short names and its schema.
  for (const kind of ['mex', 'caltf', 'edc'])
    await eventually(`kubectl to know ${kind}`, () => plane.kubectl(['explain', kind]));
});
test.after.always(() => plane?.stop());

type Json = Readonly<Record<string, unknown>>;

const apiVersion = 'export.tlt.dev/v1beta1';

const spec: Json = {
  architecture: 'classification',
  model: { uri: 'pvc://models/classifier.tlt' },
  keySecretRef: { name: 'key' },
  output: { uri: 'pvc://exports/classifier' },
  deviceClasses: [{ name: 'cpu' }],
};
const images = { imageDirectory: { uri: 'pvc://models/images' } };

const modelExport = (changes: Json = {}, name = 'demo'): Json => ({
  apiVersion,
  kind: 'ModelExport',
  metadata: { name, namespace: 'default' },
  spec: { ...spec, ...changes },
});

const deviceClass = (changes: Json = {}, name = 'cpu'): Json => ({
  apiVersion,
  kind: 'ExportDeviceClass',
  metadata: { name },
  spec: { engine: { backend: 'OnnxRuntime' }, ...changes },
});

const tensorfile = (changes: Json = {}, name = 'kitti'): Json => ({
  apiVersion,
  kind: 'CalibrationTensorfile',
  metadata: { name, namespace: 'default' },
  spec: {
    architecture: 'detectnet_v2',
    experimentSpec: { configMapKeyRef: { name: 'specs', key: 'kitti.txt' } },
    dataRoot: { uri: 'pvc://data/kitti' },
    maxBatches: 10,
    output: { uri: 'pvc://exports/kitti' },
    ...changes,
  },
});

const collections = {
  ModelExport: 'namespaces/default/modelexports',
  CalibrationTensorfile: 'namespaces/default/calibrationtensorfiles',
  ExportDeviceClass: 'exportdeviceclasses',
} as const;

/** The request of `kubectl create`, or with this query of `kubectl create --dry-run=server`. */
const create = (object: Json, query = ''): Promise<string> => {
  const collection = collections[object.kind as keyof typeof collections];
  const path = `/apis/${apiVersion}/${collection}?fieldValidation=Strict${query}`;
  return plane.ask(path, { method: 'POST', body: object });
};

const dryRun = (object: Json): Promise<string> => create(object, '&dryRun=All');

const accepts = test.macro({
  title: (input = '') => `the apiserver accepts ${input}`,
  exec: async (t, object: Json) => {
    await t.notThrowsAsync(dryRun(object));
  },
});

const rejects = test.macro({
  title: (input = '') => `the apiserver rejects ${input}`,
  exec: async (t, object: Json, message: string) => {
    const error = await t.throwsAsync(dryRun(object));
    t.true(error.message.includes(message), error.message);
  },
});

test('a minimal ModelExport is accepted and gets the defaults of TLT', async (t) => {
  const stored = JSON.parse(await dryRun(modelExport()));
  t.like(stored.spec, {
    dataType: 'fp32',
    maxBatchSize: 16,
    maxWorkspaceSize: '1Gi',
    forcePtq: false,
    failurePolicy: 'Continue',
    suspend: false,
    keySecretRef: { name: 'key', key: 'key' },
  });
});

const model = (changes: Json): Json => modelExport({ model: { uri: 'pvc://models/m.onnx', ...changes } });
test(
  'a model with ports, inputDims and preprocess',
  accepts,
  model({
    ports: { input: 'x', outputs: ['y'] },
    inputDims: { channels: 3, height: 48, width: 192 },
    preprocess: { channelOrder: 'BGR', mean: ['127.5'], scale: ['7.8e-3', '0.0079', '0.008'] },
  }),
);
test('the sample classes of classic TensorRT are accepted, and have plans for their TensorRT versions', async (t) => {
  t.is(sampleClasses.length, 5);
  for (const each of sampleClasses) havePlans(t, JSON.parse(await dryRun({ ...each })));
});

test('ports without a name', rejects, model({ ports: {} }), 'set ports.input or ports.outputs');
test('an empty preprocess', rejects, model({ preprocess: {} }), 'or remove preprocess');
test(
  'inputDims with two channels',
  rejects,
  model({ inputDims: { channels: 2, height: 8, width: 8 } }),
  'channels must be 1 or 3',
);
test('a mean that is not a number', rejects, model({ preprocess: { mean: ['x'] } }), 'should match');

test('kstatus does not report an object as current before its first reconcile', async (t) => {
  for (const object of [modelExport({}, 'unseen'), tensorfile({}, 'unseen'), deviceClass({}, 'unseen')]) {
    await create(object);
    const stored = JSON.parse(await plane.kubectl(['get', `${object.kind}`, 'unseen', '-o', 'json']));
    t.deepEqual(stored.status, { observedGeneration: -1 });
    t.is(kstatusOf(stored), 'InProgress');
  }
});

test('an empty calibration gets the defaults of TLT', async (t) => {
  const stored = JSON.parse(await dryRun(modelExport({ dataType: 'int8', calibration: images })));
  t.like(stored.spec.calibration, {
    source: 'ImageDirectory',
    batches: 10,
    batchSize: 8,
    algorithm: 'Entropy',
  });
});

test(
  'int8 without calibration',
  rejects,
  modelExport({ dataType: 'int8' }),
  'int8 requires calibration data: set spec.calibration',
);
test(
  'int8 for one class without calibration',
  rejects,
  modelExport({ deviceClasses: [{ name: 'cpu', dataType: 'int8' }] }),
  'int8 requires calibration data: set spec.calibration',
);
test(
  'source ImageDirectory without imageDirectory',
  rejects,
  modelExport({ calibration: {} }),
  'source ImageDirectory requires imageDirectory.uri',
);
test(
  'source Tensorfile with imageDirectory',
  rejects,
  modelExport({ calibration: { source: 'Tensorfile', ...images } }),
  'source Tensorfile requires tensorfile and allows neither',
);
test(
  'source Tensorfile with a tensorfile',
  accepts,
  modelExport({ calibration: { source: 'Tensorfile', tensorfile: { uri: 'pvc://models/c.tensor' } } }),
);
const ref = { calibrationTensorfileRef: { name: 'kitti' } };
const fromTensorfile = (file: Json, changes: Json = {}): Json =>
  modelExport({ calibration: { source: 'Tensorfile', tensorfile: file, ...changes } });
test('source Tensorfile with a CalibrationTensorfile', accepts, fromTensorfile(ref));
test(
  'a tensorfile pinned by its digest',
  accepts,
  fromTensorfile({ uri: 'pvc://models/c.tensor', sha256: 'a'.repeat(64) }),
);
test(
  'a tensorfile with both uri and calibrationTensorfileRef',
  rejects,
  fromTensorfile({ ...ref, uri: 'pvc://models/c.tensor' }),
  'set exactly one of uri and calibrationTensorfileRef',
);
test(
  'a tensorfile with neither uri nor calibrationTensorfileRef',
  rejects,
  fromTensorfile({}),
  'set exactly one of uri and calibrationTensorfileRef',
);
test(
  'a digest for the file of a CalibrationTensorfile',
  rejects,
  fromTensorfile({ ...ref, sha256: 'a'.repeat(64) }),
  'sha256 pins the file at uri',
);
test(
  'minAgreement with source Tensorfile',
  rejects,
  fromTensorfile(ref, { minAgreement: 20 }),
  'a tensorfile has none',
);
test(
  'sensitivity with source Tensorfile',
  rejects,
  fromTensorfile(ref, { sensitivity: true }),
  'which only source ImageDirectory provides',
);
test(
  'equalize with source Tensorfile',
  rejects,
  fromTensorfile(ref, { equalize: 'auto' }),
  'which sources Tensorfile and Model do not provide',
);
test(
  'chooseAlgorithm with source Tensorfile',
  rejects,
  fromTensorfile(ref, { chooseAlgorithm: true }),
  'which sources Tensorfile and Model do not provide',
);
test('equalize off with source Tensorfile', accepts, fromTensorfile(ref, { equalize: 'off' }));
test('equalize with images', accepts, modelExport({ calibration: { ...images, equalize: 'auto' } }));
test(
  'keepFloat together with sensitivity',
  accepts,
  modelExport({ calibration: { ...images, keepFloat: ['conv1', 'block*/Conv'], sensitivity: true } }),
);
test(
  'an empty layer name',
  rejects,
  modelExport({ calibration: { ...images, keepFloat: [''] } }),
  'keepFloat',
);
test(
  'maxBrokenPercent with source Tensorfile',
  rejects,
  fromTensorfile(ref, { maxBrokenPercent: 5 }),
  'set it on the CalibrationTensorfile',
);
test('maxBrokenPercent', accepts, modelExport({ calibration: { ...images, maxBrokenPercent: 100 } }));
test(
  'maxBrokenPercent above 100',
  rejects,
  modelExport({ calibration: { ...images, maxBrokenPercent: 101 } }),
  'spec.calibration.maxBrokenPercent',
);
const loader = { source: 'DataLoader', dataLoader: { dataRoot: { uri: 'pvc://data/' } } };
const experimentSpec = { uri: 'pvc://models/spec.txt' };
test('source DataLoader with a whole claim', accepts, modelExport({ calibration: loader, experimentSpec }));
test(
  'minAgreement with source DataLoader',
  accepts,
  modelExport({ calibration: { ...loader, minAgreement: 20 }, experimentSpec }),
);
test(
  "source Model, for the scales of a model's own training, with nothing else",
  accepts,
  modelExport({ dataType: 'int8', calibration: { source: 'Model' } }),
);
test(
  'source Model with minAgreement and no images',
  rejects,
  modelExport({ calibration: { source: 'Model', minAgreement: 20 } }),
  'minAgreement requires imageDirectory.uri',
);
test(
  'source Model with forcePtq',
  rejects,
  modelExport({ forcePtq: true, calibration: { source: 'Model' } }),
  'choose a calibration.source that provides data',
);
test(
  'source DataLoader without experimentSpec',
  rejects,
  modelExport({ calibration: loader }),
  'source DataLoader requires spec.experimentSpec',
);
test(
  'source DataLoader without dataLoader',
  rejects,
  modelExport({ calibration: { source: 'DataLoader' }, experimentSpec }),
  'source DataLoader requires dataLoader.dataRoot.uri',
);
test(
  'source DataLoader with imageDirectory',
  rejects,
  modelExport({ calibration: { ...loader, ...images }, experimentSpec }),
  'neither imageDirectory nor tensorfile',
);

const inImage = `oci://registry.example.com/team/models@sha256:${'a'.repeat(64)}`;
test('a model in an image', accepts, modelExport({ model: { uri: `${inImage}/m.tlt` } }));
const notPinned = 'oci://<registry>/<repository>@sha256:<digest>/<path>, which mounts an image';
for (const [what, uri] of [
  ['by tag', 'oci://registry.example.com/team/models:v1/m.tlt'],
  ['without a path', `${inImage}/`],
  ['with a short digest', 'oci://registry.example.com/team/models@sha256:abc/m.tlt'],
] as const)
  test(`a model in an image ${what}`, rejects, modelExport({ model: { uri } }), notPinned);
test(
  'a path that leaves an image',
  rejects,
  modelExport({ model: { uri: `${inImage}/../m.tlt` } }),
  'the path may not contain . or .. segments',
);
test(
  'an output in an image',
  rejects,
  modelExport({ output: { uri: `${inImage}/out` } }),
  'use the form pvc://<claim>/<path>',
);
test('parallelism', accepts, modelExport({ calibration: { ...images, parallelism: 3 } }));
test(
  'parallelism with a data loader',
  rejects,
  modelExport({ experimentSpec, calibration: { ...loader, parallelism: 3 } }),
  'use source Tensorfile with a CalibrationTensorfile, or remove parallelism',
);
test(
  'parallelism of 1 with a data loader',
  accepts,
  modelExport({ experimentSpec, calibration: { ...loader, parallelism: 1 } }),
);
test(
  'parallelism with the scales of the model',
  rejects,
  modelExport({ calibration: { source: 'Model', parallelism: 2 } }),
  'parallelism needs data that pods can read in parts',
);
test(
  'parallelism with broken images',
  rejects,
  modelExport({ calibration: { ...images, parallelism: 3, maxBrokenPercent: 5 } }),
  'only if no broken image is replaced: remove maxBrokenPercent or parallelism',
);
test(
  'parallelism above the number of images',
  rejects,
  modelExport({ calibration: { ...images, batches: 1, batchSize: 8, parallelism: 9 } }),
  'parallelism exceeds batches × batchSize',
);
test(
  'parallelism above 1,000',
  rejects,
  modelExport({ calibration: { ...images, batches: 1000, parallelism: 1001 } }),
  'spec.calibration.parallelism',
);
test(
  'parallelism of a CalibrationTensorfile, whose file one pod writes',
  rejects,
  tensorfile({ parallelism: 3 }),
  'unknown field "spec.parallelism"',
);
test(
  'ssd without experimentSpec',
  rejects,
  modelExport({ architecture: 'ssd' }),
  'this architecture requires spec.experimentSpec',
);
test(
  'ssd with experimentSpec',
  accepts,
  modelExport({ architecture: 'ssd', experimentSpec: { uri: 'pvc://models/ssd.txt' } }),
);
test(
  'an experimentSpec with both configMapKeyRef and uri',
  rejects,
  modelExport({ experimentSpec: { uri: 'pvc://a/b', configMapKeyRef: { name: 'a', key: 'b' } } }),
  'set exactly one of configMapKeyRef and uri',
);
test(
  'an unknown architecture',
  rejects,
  modelExport({ architecture: 'resnet' }),
  'supported values: "classification"',
);
const digest = `sha256:${'1'.repeat(64)}`;
const codec = { image: `registry.example.com/codec@${digest}`, command: ['python3', 'codec.py'] };
test('a codec', accepts, modelExport({ codec }));
test(
  'a codec without a program',
  rejects,
  modelExport({ codec: { ...codec, command: ['', 'codec.py'] } }),
  'the first entry of command must be',
);
test(
  'a codec without a command',
  rejects,
  modelExport({ codec: { ...codec, command: [] } }),
  'at least 1 items',
);
test(
  'an image name with a space',
  rejects,
  modelExport({ codec: { ...codec, image: `a b@${digest}` } }),
  'pin the image by digest',
);
test(
  'a codec image by tag',
  rejects,
  modelExport({ codec: { ...codec, image: 'registry.example.com/codec:v1' } }),
  'pin the image by digest',
);
test(
  'a builder image by tag',
  rejects,
  deviceClass({ engine: { backend: 'OnnxRuntime', image: 'nvcr.io/nvidia/tensorrt:25.10-py3' } }),
  'pin the image by digest',
);
test(
  'a builder image by digest',
  accepts,
  deviceClass({ engine: { backend: 'OnnxRuntime', image: `nvcr.io/nvidia/tensorrt:25.10-py3@${digest}` } }),
);

test(
  'an object store without its settings',
  rejects,
  modelExport({ output: { uri: 's3://bucket/x' } }),
  's3:// URIs require spec.s3: set its endpoint',
);
test(
  'a claim without a path',
  rejects,
  modelExport({ model: { uri: 'pvc://models/' } }),
  'use the form pvc://<claim>/<path>',
);
test(
  'a path that leaves the claim',
  rejects,
  modelExport({ model: { uri: 'pvc://models/../x' } }),
  'the path may not contain . or ..',
);
test(
  'a path with dots in its names',
  accepts,
  modelExport({ model: { uri: 'pvc://models/.a/v1..2/b.tlt' } }),
);
test(
  'a digest in upper case',
  rejects,
  modelExport({ model: { uri: 'pvc://m/a', sha256: 'A'.repeat(64) } }),
  'sha256',
);
test('no device class', rejects, modelExport({ deviceClasses: [] }), 'should have at least 1 items');
test(
  'a duplicate device class',
  rejects,
  modelExport({ deviceClasses: [{ name: 'cpu' }, { name: 'cpu' }] }),
  'Duplicate value',
);
test('64 device classes', accepts, modelExport({ deviceClasses: classesNamed(64) }));
test(
  '65 device classes',
  rejects,
  modelExport({ deviceClasses: classesNamed(65) }),
  'must have at most 64 items',
);
test('maxBatchSize 0', rejects, modelExport({ maxBatchSize: 0 }), 'spec.maxBatchSize');
test('maxBatchSize 1024', accepts, modelExport({ maxBatchSize: 1024 }));
test('maxBatchSize 1025', rejects, modelExport({ maxBatchSize: 1025 }), 'spec.maxBatchSize');
test(
  'a maxWorkspaceSize that is not a quantity',
  rejects,
  modelExport({ maxWorkspaceSize: 'lots' }),
  'spec.maxWorkspaceSize',
);
test(
  'a field that does not exist',
  rejects,
  modelExport({ dataTyp: 'fp16' }),
  'unknown field "spec.dataTyp"',
);

const longest = 'a'.repeat(63);
for (const [kind, make] of [
  ['ModelExport', modelExport],
  ['ExportDeviceClass', deviceClass],
  ['CalibrationTensorfile', tensorfile],
] as const) {
  test(`a ${kind} name of 63 characters`, accepts, make({}, longest));
  test(
    `a ${kind} name of 64 characters`,
    rejects,
    make({}, `${longest}a`),
    'the name may have at most 63 characters',
  );
  test(`a ${kind} name with a dot`, rejects, make({}, 'a.b'), 'the name may not contain a dot');
}
test(
  'a reference to a class name of 63 characters',
  accepts,
  modelExport({ deviceClasses: [{ name: longest }] }),
);
test(
  'a reference to a class name of 64 characters',
  rejects,
  modelExport({ deviceClasses: [{ name: `${longest}a` }] }),
  'spec.deviceClasses[0].name',
);

test('quantities as numbers', accepts, {
  ...modelExport({
    maxWorkspaceSize: 1073741824,
    jobs: { export: { resources: { requests: { cpu: 1 }, limits: { cpu: 2, memory: '4Gi' } } } },
  }),
});
test('devices as a number', accepts, deviceClass({ resources: { 'nvidia.com/gpu': 1 } }));
test(
  'a fractional number of devices',
  rejects,
  deviceClass({ resources: { 'nvidia.com/gpu': '1.5' } }),
  'spec.resources.nvidia.com/gpu',
);
const withJobs = (jobs: Json): Json => modelExport({ jobs });
test(
  'a request above its limit',
  rejects,
  withJobs({ engine: { resources: { requests: { memory: '2Gi' }, limits: { memory: '1024Mi' } } } }),
  'a request exceeds its limit',
);
test(
  'a request that equals its limit in another unit',
  accepts,
  withJobs({ helpers: { resources: { requests: { cpu: '1000m' }, limits: { cpu: 1 } } } }),
);
test(
  'a queue label for all Jobs',
  accepts,
  withJobs({ metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'gpu' }, annotations: { note: 'a b\n' } } }),
);
test(
  'a label value with a space',
  rejects,
  withJobs({ metadata: { labels: { team: 'a b' } } }),
  'spec.jobs.metadata.labels.team',
);
test(
  'a label name with a space',
  rejects,
  withJobs({ metadata: { labels: { 'my team': 'a' } } }),
  'write each key as [prefix/]name',
);
test(
  "a label of Kubernetes's own controllers",
  rejects,
  withJobs({ metadata: { labels: { 'batch.kubernetes.io/controller-uid': 'x' } } }),
  'are reserved for controllers',
);
test(
  'an invalid ServiceAccount name',
  rejects,
  withJobs({ serviceAccountName: 'My Account' }),
  'spec.jobs.serviceAccountName',
);

test(
  'TensorRtRtx without computeCapability',
  rejects,
  deviceClass({ engine: { backend: 'TensorRtRtx' } }),
  'backend TensorRtRtx builds for a named compute capability: set computeCapability to one of 7.5, 8.0, 8.6',
);
test(
  'TensorRtRtx with computeCapability',
  accepts,
  deviceClass({ engine: { backend: 'TensorRtRtx', computeCapability: '8.6' } }),
);
const classic = {
  backend: 'TensorRt',
  version: '10.3',
  image: `nvcr.io/nvidia/tensorrt@sha256:${'a'.repeat(64)}`,
} as const;
test('TensorRt with its version and image', accepts, deviceClass({ engine: { ...classic, dlaCore: 0 } }));
for (const missing of ['version', 'image'] as const)
  test(
    `TensorRt without ${missing}`,
    rejects,
    deviceClass({ engine: Object.fromEntries(Object.entries(classic).filter(([name]) => name !== missing)) }),
    'backend TensorRt needs your own builder image: set image, and set version',
  );
const bySelector = { computeCapability: '7.5', selectNodesBy: 'NodeSelector' } as const;
test(
  'hardware that only the build verifies',
  accepts,
  deviceClass({ engine: classic, hardware: bySelector, nodeSelector: { pool: 't4' } }),
);
test(
  'hardware that no build verifies and no label selects',
  rejects,
  deviceClass({ engine: { backend: 'OnnxRuntime' }, hardware: bySelector }),
  'selectNodesBy NodeSelector needs backend TensorRt, whose build verifies the GPU',
);
test(
  'a range of memory that nothing compares',
  rejects,
  deviceClass({ engine: classic, hardware: { ...bySelector, memoryMiB: { min: 1 } } }),
  'memoryMiB is read from a label of GPU feature discovery only',
);
test(
  'a version that is not one',
  rejects,
  deviceClass({ engine: { ...classic, version: '10.x' } }),
  'spec.engine.version',
);
test(
  'a DLA for another backend',
  rejects,
  deviceClass({ engine: { backend: 'OnnxRuntime', dlaCore: 0 } }),
  'only backend TensorRt builds engines for a Deep Learning Accelerator',
);
test(
  'the fastest engine of a CPU',
  accepts,
  deviceClass({ engine: { backend: 'OnnxRuntime', prefer: 'Fastest' } }),
);
test(
  'the fastest engine of a GPU',
  rejects,
  deviceClass({ engine: { backend: 'TensorRtRtx', computeCapability: '8.6', prefer: 'Fastest' } }),
  'only backend OnnxRuntime times int8 against float',
);
test(
  'the default of prefer, with any backend',
  accepts,
  deviceClass({ engine: { backend: 'TensorRtRtx', computeCapability: '8.6', prefer: 'Precision' } }),
);
test(
  'builder options of another backend',
  rejects,
  deviceClass({ engine: { backend: 'OnnxRuntime', tensorRt: { maxAuxStreams: 1 } } }),
  'the builder options belong to another backend',
);
test(
  'builder options of the backend',
  accepts,
  deviceClass({
    engine: {
      backend: 'TensorRtRtx',
      computeCapability: '8.6',
      tensorRtRtx: { builderOptimizationLevel: 5, hardwareCompatibilityLevel: 'AmperePlus' },
    },
  }),
);
test(
  'an unknown builder option',
  rejects,
  deviceClass({ engine: { backend: 'TensorRt', tensorRt: { fastMath: true } } }),
  'unknown field "spec.engine.tensorRt.fastMath"',
);
test(
  'a compute capability that is a number',
  rejects,
  deviceClass({ hardware: { computeCapability: 8.6 } }),
  'must be of type string',
);
test(
  'an affinity term without requirements',
  rejects,
  deviceClass({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } },
  }),
  'matchExpressions',
);

test('a minimal CalibrationTensorfile is accepted and gets the defaults of tlt-int8-tensorfile', async (t) => {
  const stored = JSON.parse(await dryRun(tensorfile()));
  t.like(stored.spec, { useValidationSet: false, seed: 42, suspend: false });
});
test(
  'a CalibrationTensorfile for a module without a data loader',
  rejects,
  tensorfile({ architecture: 'yolo' }),
  'supported values: "classification", "detectnet_v2", "ssd", "dssd"',
);
for (const field of ['experimentSpec', 'dataRoot', 'maxBatches', 'output'])
  test(
    `a CalibrationTensorfile without ${field}`,
    rejects,
    tensorfile({ [field]: undefined }),
    `spec.${field}`,
  );
test('maxBatches 0', rejects, tensorfile({ maxBatches: 0 }), 'spec.maxBatches');
test(
  'pathInSpec',
  accepts,
  tensorfile({ dataRoot: { uri: 'pvc://data/kitti', pathInSpec: '/workspace/tlt-experiments/data' } }),
);
for (const pathInSpec of ['workspace/data', '/', '/workspace/../data', '//data'])
  test(
    `pathInSpec ${pathInSpec}`,
    rejects,
    tensorfile({ dataRoot: { uri: 'pvc://data/kitti', pathInSpec } }),
    'pathInSpec',
  );
test(
  'a data root outside its claim',
  rejects,
  tensorfile({ dataRoot: { uri: 'pvc://data/..' } }),
  'the path may not contain . or ..',
);
test(
  'a data root without a claim',
  rejects,
  tensorfile({ dataRoot: { uri: '/data' } }),
  'use the form pvc://<claim>/<path> or pvc://<claim>/',
);
test('kubectl explain describes every field', async (t) => {
  const document = JSON.parse(await plane.ask(`/openapi/v3/apis/${apiVersion}`));
  for (const kind of ['ModelExport', 'CalibrationTensorfile', 'ExportDeviceClass']) {
    const name = Object.keys(document.components.schemas).find((key) => key.endsWith(`.${kind}`))!;
    t.deepEqual(undescribed(document.components.schemas[name], kind), []);
  }
  const text = await plane.kubectl(['explain', 'mex.spec.calibration.algorithm']);
  t.regex(text, /Algorithm that chooses the threshold of a tensor/);
  const path = await plane.kubectl(['explain', 'caltf.spec.dataRoot.pathInSpec']);
  t.regex(path, /The data root as the experiment spec names it/);
});

test('kubectl accepts the short names and the category', async (t) => {
  for (const object of [modelExport({}, 'short'), deviceClass({}, 'short'), tensorfile({}, 'short')])
    await create(object);
  t.regex(
    await plane.kubectl(['get', 'mex', '-A']),
    /NAME +READY +REASON +ENGINES +PRECISION +PROGRESS +AGE\n/,
  );
  t.regex(await plane.kubectl(['get', 'caltf', '-A']), /NAME +READY +REASON +IMAGES +PROGRESS +AGE\n/);
  t.regex(
    await plane.kubectl(['get', 'edc']),
    /NAME +READY +REASON +BACKEND +TARGET +NODES +HARDWARE +AGE\n/,
  );
  const all = await plane.kubectl(['get', 'tlt', '-A', '-o', 'name']);
  for (const kind of ['modelexport', 'calibrationtensorfile', 'exportdeviceclass'])
    t.true(all.includes(`${kind}.export.tlt.dev/short`), all);
  const selected = ['get', 'mex', '-A', '-o', 'name', '--field-selector'];
  t.regex(await plane.kubectl([...selected, 'spec.dataType=fp32']), /short/);
  t.is(await plane.kubectl([...selected, 'spec.suspend=true']), '');
});

function classesNamed(count: number): readonly Json[] {
  return Array.from({ length: count }, (_, index) => ({ name: `class-${index}` }));
}

type OpenApi = {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly items?: OpenApi;
  readonly additionalProperties?: OpenApi;
};

function undescribed(schema: OpenApi, path: string): readonly string[] {
  return [
    ...(schema.description ? [] : [path]),
    ...Object.entries(schema.properties ?? {})
      .filter(([name]) => !(name === 'metadata' && !path.includes('.')))
      .flatMap(([name, property]) => undescribed(property, `${path}.${name}`)),
    ...(schema.items ? undescribed(schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? undescribed(schema.additionalProperties, `${path}.*`) : []),
  ];
}
