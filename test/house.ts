/**
 * The architecture as data. A wing may use only the wings listed for it; inside a wing, a room may use only the rooms
 * listed for it. Wings and rooms come after what they use. src/README.md describes the same tree in words.
 */
export type Wing = {
  /** Other wings that any room of this wing may use. */
  readonly uses: readonly string[];
  /** Room → rooms of the same wing that it may use. */
  readonly rooms: Readonly<Record<string, readonly string[]>>;
};

export const house: Readonly<Record<string, Wing>> = {
  ground: {
    uses: [],
    rooms: { base: [], contract: ['base'], plans: ['contract'], observability: [] },
  },
  cluster: {
    uses: ['ground'],
    rooms: {
      api: [],
      manifests: ['api'],
      jobs: ['api'],
      runtime: [],
      deviceclass: ['api', 'runtime'],
      ownedjobs: ['api', 'jobs', 'runtime', 'deviceclass'],
      calibrationtensorfile: ['api', 'jobs', 'runtime', 'ownedjobs'],
      modelexport: ['api', 'jobs', 'runtime', 'deviceclass', 'ownedjobs'],
      metrics: ['api', 'ownedjobs'],
      plugin: ['api', 'jobs', 'runtime', 'deviceclass', 'ownedjobs'],
      page: ['api', 'runtime', 'ownedjobs', 'plugin'],
    },
  },
  formats: {
    uses: ['ground'],
    rooms: { onnx: [], hdf5: [], tfrecord: [], scales: [], crypto: ['onnx', 'scales'] },
  },
  data: {
    uses: ['ground', 'formats'],
    rooms: { preprocessing: [], datasets: ['preprocessing'], specs: ['preprocessing', 'datasets'] },
  },
  graph: {
    uses: ['ground', 'formats', 'data'],
    rooms: {
      keras: [],
      transforms: [],
      plugins: ['transforms'],
      precision: ['transforms', 'plugins'],
      inference: ['transforms'],
      evaluation: ['inference'],
      builders: ['transforms', 'precision', 'inference', 'evaluation'],
    },
  },
  calibration: {
    uses: ['ground', 'formats', 'data', 'graph'],
    rooms: { histograms: [], pass: ['histograms'] },
  },
  export: {
    uses: ['ground', 'formats', 'data', 'graph', 'calibration'],
    rooms: {
      models: [],
      report: [],
      pipeline: ['models', 'report'],
      deployment: ['models'],
      engines: ['models', 'pipeline'],
    },
  },
  adapters: {
    uses: ['ground', 'formats', 'data', 'graph', 'calibration', 'export'],
    rooms: {
      storage: [],
      worker: ['storage'],
      cli: [],
      inspect: ['cli'],
      'tlt-model': ['storage', 'cli', 'inspect'],
      'tlt-export': ['cli'],
      'tlt-converter': ['cli'],
    },
  },
  supply: {
    uses: [],
    rooms: { components: [], licences: ['components'] },
  },
};

/** A package that only these rooms (or the entry files, written `entry`) may import as a value. */
export const gates: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['cluster/runtime'],
  '@aws-sdk/client-s3': ['adapters/storage'],
  sharp: ['data/preprocessing'],
  'onnxruntime-node': ['graph/inference'],
  'prom-client': ['ground/observability', 'entry'],
  winston: ['ground/observability', 'entry'],
  'age-encryption': ['formats/crypto'],
  h5wasm: ['formats/hdf5'],
  '@bufbuild/protobuf': ['formats/onnx', 'formats/tfrecord'],
  'cli-progress': ['ground/observability'],
  yaml: ['cluster/manifests', 'cluster/plugin', 'entry'],
};
