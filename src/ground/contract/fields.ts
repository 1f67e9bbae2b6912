/**
 * Names of user settings in messages. Code that serves the command line and the pods writes `field('batches')`; each
 * adapter prints the name that its user knows: `--batches`, or `spec.calibration.batches`.
 */

const fields = {
  batches: { flag: '--batches', spec: 'spec.calibration.batches' },
  batchSize: { flag: '--batch_size', spec: 'spec.calibration.batchSize' },
  imageDirectory: { flag: '--cal_image_dir', spec: 'spec.calibration.imageDirectory' },
  tensorfile: { flag: '--cal_data_file', spec: 'spec.calibration.tensorfile' },
  histograms: { flag: '--cal_histogram_file', spec: 'the histograms in spec.output' },
  calibrationCache: { flag: '--cal_cache_file', spec: 'the calibration cache in spec.output' },
  tensorScales: { flag: '--cal_json_file', spec: 'calibration.json in spec.output' },
  keepFloat: { flag: '--keep_float', spec: 'spec.calibration.keepFloat' },
  minAgreement: { flag: '--min_agreement', spec: 'spec.calibration.minAgreement' },
  requireInt8: { flag: '--require_int8', spec: 'spec.calibration.requireInt8' },
  forcePtq: { flag: '--force_ptq', spec: 'spec.forcePtq' },
  dataType: { flag: '--data_type', spec: 'spec.dataType' },
  experimentSpec: { flag: '-e', spec: 'spec.experimentSpec' },
  inputNode: { flag: '--input_node', spec: 'spec.model.ports.input' },
  outputNodes: { flag: '--output_nodes', spec: 'spec.model.ports.outputs' },
  inputDims: { flag: '--input_dims', spec: 'spec.model.inputDims' },
  preprocess: { flag: '--preprocess', spec: 'spec.model.preprocess' },
  engineVersion: { flag: '--tensorrt_version', spec: 'engine.version' },
  computeCapability: { flag: '--compute_capability', spec: 'engine.computeCapability' },
  dlaCore: { flag: '--dla_core', spec: 'engine.dlaCore' },
  prefer: { flag: '--prefer', spec: 'engine.prefer' },
  targetCapability: { flag: '--compute_capability', spec: 'hardware.computeCapability' },
  s3Endpoint: { flag: '--s3_endpoint', spec: 'spec.s3.endpoint' },
  s3Region: { flag: '--s3_region', spec: 'spec.s3.region' },
  s3Credentials: { flag: '--s3_credentials', spec: 'spec.s3.credentialsSecretRef' },
  s3Authority: { flag: '--s3_ca', spec: 'spec.s3.caConfigMapKeyRef' },
  codec: { flag: '--codec_command', spec: 'spec.codec' },
} as const;

export type Field = keyof typeof fields;

/** Who reads a message: a user of tlt-converter, of another tool, or of a ModelExport. */
export type Audience = 'converter' | 'flag' | 'spec';

const ofExportAlone = (names: readonly Field[]): Partial<Record<Field, string>> =>
  Object.fromEntries(names.map((name) => [name, `${fields[name].flag} of tlt-export`]));

/** Where tlt-converter has another flag than tlt-export, or none. */
const ofConverter: Partial<Record<Field, string>> = {
  experimentSpec: '--experiment_spec',
  ...ofExportAlone([
    'batches',
    'imageDirectory',
    'tensorfile',
    'histograms',
    'tensorScales',
    'minAgreement',
    'requireInt8',
    'forcePtq',
    'prefer',
    'inputNode',
    'preprocess',
  ]),
};

/** The audience of a tool's messages. */
export const audienceOf = (tool: string): Audience => (tool === 'tlt-converter' ? 'converter' : 'flag');

/** The mark of a setting in a message; `nameFields` replaces it. */
export const field = (name: Field): string => `\u27e8${name}\u27e9`;

/** The message with the names of settings that its reader uses. */
export const nameFields = (message: string, audience: Audience): string =>
  message.replaceAll(/\u27e8(\w+)\u27e9/g, (mark, name: string) =>
    Object.hasOwn(fields, name) ? nameOf(name as Field, audience) : mark,
  );

const nameOf = (name: Field, audience: Audience): string =>
  audience === 'converter' ? (ofConverter[name] ?? fields[name].flag) : fields[name][audience];
