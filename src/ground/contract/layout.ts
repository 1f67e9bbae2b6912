/** Paths in pods and in output folders, shared by writers and readers. */
export const mounts = {
  /** Image volumes are mounted here as well, see `imageMount`. Claim `c` of `pvc://c/path` is mounted at `/mnt/claims/c`. */
  claims: '/mnt/claims',
  /** The key, a file of a mounted Secret. */
  keyFile: '/run/secrets/export.tlt.dev/key',
  /** The experiment spec, a file of a mounted ConfigMap. */
  specFile: '/run/config/export.tlt.dev/spec',
  /** The credentials of object storage, the files of a mounted Secret. */
  s3Credentials: '/run/secrets/s3.export.tlt.dev',
  /** Certificate authorities of object storage, a file of a mounted ConfigMap. */
  s3Authority: '/run/config/s3.export.tlt.dev/ca.crt',
  /** Objects that must be whole on disk, and files until they are uploaded. */
  scratch: '/scratch',
  /** Files from `stage` for `build` and `publish`; read-only for them. */
  work: '/work',
  /** Files from `build` for `publish`; read-only for it. */
  built: '/built',
  /** The worker and its Node.js, in pods that run a user's image. */
  worker: '/opt/tlt-worker',
  temporary: '/tmp',
  terminationMessage: '/dev/termination-log',
} as const;

/** Folder of an image volume among the claims. No claim has this name. @param digest 64 hexadecimal digits */
export const imageMount = (digest: string): string => `_${digest}`;

/** Folder and name of a file that a volume mounts. @param path absolute */
export const mountedFile = (path: string): { readonly folder: string; readonly file: string } => {
  const separator = path.lastIndexOf('/');
  return { folder: path.slice(0, separator), file: path.slice(separator + 1) };
};

/**
 * File names, as `numberFile` names them, inside `<output>/<export key>/`, `<output>/<export key>/engines/<class>/<engine key>/` and
 * `<output>/<tensorfile key>/`.
 */
export const artifactFiles = {
  etlt: 'model.etlt',
  /** The model encrypted by the external codec. */
  codecEtlt: 'model.codec.etlt',
  calibrationCache: 'calibration.cache',
  /** Tensor ranges of quantisation-aware training, in the format of TAO's `--cal_json_file`. */
  tensorScales: 'calibration.json',
  /** What the calibration found beyond the cache, which int8 engines of ONNX Runtime choose their scales from. */
  distributions: 'distributions.json',
  /** Preprocessed held-out images for verifying engines: an ONNX TensorProto [N,C,H,W]. */
  verification: 'verification.pb',
  /** What serving must know of the network: its ports, preprocessing and class names. */
  deployment: 'deployment.json',
  report: 'report.json',
  /** The HTML report, a single self-contained file. */
  reportPage: 'report.html',
  /** Preprocessed batches of training images, in TLT's format. */
  tensorfile: 'calibration.tensor',
  /** Written last, and only once: all files that it lists are complete. */
  manifest: 'manifest.json',
} as const;

/** Files in `mounts.work`. */
export const workFiles = {
  /** The graph for the builder, in the requested precision. */
  model: 'model.onnx',
  /** The float graph, the reference for verifying the engine. */
  reference: 'reference.onnx',
  /** What an int8 engine of ONNX Runtime chooses its scales from. */
  distributions: 'distributions.json',
  verification: 'verification.pb',
  /** The deployment file of the export. */
  network: 'network.json',
  /** The TensorRT build driver, for images that have TensorRT but not the driver. */
  driver: 'build_engine.py',
  /** Input of the build driver: `BuildRequest`. */
  request: 'build-request.json',
  /** Folder of the timing caches of earlier builds. */
  timings: 'timings',
  /** Written by `stage` instead of the other files if the engine already exists: the result to report. */
  finished: 'finished.json',
} as const;

/** Name of the `BuildReport` in `mounts.built`, next to the engine. */
export const buildReportFile = 'build-report.json';

/** Name of the timing cache that a builder leaves in `mounts.built`. */
export const timingCacheFile = 'timing.cache';

const joinUri = (uri: string, ...names: string[]): string => [uri.replace(/\/+$/, ''), ...names].join('/');

/** URI of the folder of one export. */
export const exportFolder = (output: string, exportKey: string): string => joinUri(output, exportKey);

/** URI of a histogram file. It is next to the export folders, because exports with different algorithms share it. */
export const histogramsFile = (output: string, histogramsKey: string): string =>
  joinUri(output, 'histograms', `${histogramsKey}.hist`);

/** URI of the folder of the histogram files of parts of the same images. They are removed once their sum is stored. */
export const histogramPartsFolder = (output: string, histogramsKey: string): string =>
  joinUri(output, 'histograms', histogramsKey);

/** URI of the histogram file of part `part`, from 1, of `of`. */
export const histogramPartFile = (folder: string, { part, of }: { part: number; of: number }): string =>
  joinUri(folder, `${part}-of-${of}.hist`);

/** URI of the folder of one tensorfile. */
export const tensorfileFolder = (output: string, tensorfileKey: string): string =>
  joinUri(output, tensorfileKey);

/** Name of the folder of all engines, in an export folder. */
export const enginesFolder = 'engines';

/** URI of the folder of one engine, below its export folder. */
export const engineFolder = (exported: string, deviceClass: string, engineKey: string): string =>
  joinUri(exported, enginesFolder, deviceClass, engineKey);

/** URI of the folder of the timing caches of one device class and TensorRT version, shared by all exports to that output. */
export const timingsFolder = (output: string, deviceClass: string, version: string): string =>
  joinUri(output, 'timings', deviceClass, version);

/** URI of a file in a folder. */
export const fileIn = (folder: string, file: string): string => joinUri(folder, file);

/** The folder of a file, by their URIs. */
export const folderOfFile = (uri: string): string => uri.slice(0, uri.lastIndexOf('/'));

/** Whether the file is in the folder itself. */
export const isIn = (folder: string, uri: string | undefined): boolean =>
  uri !== undefined && folderOfFile(uri) === joinUri(folder);

/**
 * The name of a file in the n-th work that a folder holds: `model.etlt`, `model-2.etlt`, … What is in a folder is never
 * overwritten, so work with other inputs, or after a run that was killed, gets other names.
 */
export const numberFile = (file: string, n: number): string => (n === 1 ? file : file.replace('.', `-${n}.`));
