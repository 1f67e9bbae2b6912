/** The house. A room may use only the rooms listed for it; each room comes after the rooms it uses. */
export const house: Readonly<Record<string, readonly string[]>> = {
  base: [],
  contract: ['base'],
  formats: ['base'],
  calibration: ['base'],
  storage: ['base'],
  preprocessing: ['base', 'calibration'],
  datasets: ['base', 'formats', 'calibration', 'preprocessing'],
  observability: ['base'],
  api: ['base', 'contract'],
  engines: ['base', 'contract', 'formats'],
  jobs: ['base', 'contract', 'api'],
  published: ['base', 'contract', 'api'],
  runtime: ['base', 'observability'],
  deviceclass: ['base', 'contract', 'observability', 'api', 'runtime'],
  modelexport: ['base', 'contract', 'observability', 'api', 'jobs', 'runtime', 'deviceclass'],
  worker: [
    'base',
    'contract',
    'observability',
    'formats',
    'calibration',
    'storage',
    'preprocessing',
    'datasets',
    'engines',
  ],
};

/** A package that only these rooms (or the entry files, written `entry`) may import as a value. */
export const gates: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['runtime'],
  sharp: ['preprocessing'],
  'onnxruntime-node': ['engines'],
  'prom-client': ['observability', 'entry'],
  winston: ['observability', 'entry'],
  'age-encryption': ['formats'],
  h5wasm: ['formats'],
  '@bufbuild/protobuf': ['formats'],
  'cli-progress': ['observability'],
  yaml: ['published', 'entry'],
};
