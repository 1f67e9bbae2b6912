/** Where things lie: inside a pod, and inside an output folder. Writers and readers both ask this file. */
export const mounts = {
  /** Claim `c` of `pvc://c/path` is mounted at `/mnt/claims/c`. */
  claims: '/mnt/claims',
  /** The key, a file of a mounted Secret. */
  keyFile: '/run/secrets/export.tlt.dev/key',
  /** The experiment spec, a file of a mounted ConfigMap. */
  specFile: '/run/config/export.tlt.dev/spec',
  /** What `stage` hands to `build` and `publish`, which cannot write there. */
  work: '/work',
  /** What `build` hands to `publish`, which cannot write there. */
  built: '/built',
  /** The worker and its Node, in a pod whose image is the user's. */
  worker: '/opt/tlt-worker',
  temporary: '/tmp',
  terminationMessage: '/dev/termination-log',
} as const;

/** Folder and name of a file that a volume mounts. @param path absolute */
export const mountedFile = (path: string): { readonly folder: string; readonly file: string } => {
  const separator = path.lastIndexOf('/');
  return { folder: path.slice(0, separator), file: path.slice(separator + 1) };
};

/**
 * File names, as `numbered` has them, inside `<output>/<export key>/`, `<output>/<export key>/engines/<class>/<engine key>/` and
 * `<output>/<tensorfile key>/`.
 */
export const artifactFiles = {
  etlt: 'model.etlt',
  /** The same model in the cipher of the user's codec. */
  codecEtlt: 'model.codec.etlt',
  calibrationCache: 'calibration.cache',
  /** Ranges that training with quantisation left, as TAO's `--cal_json_file` has them. */
  tensorScales: 'calibration.json',
  /** Preprocessed images kept out of calibration, an ONNX TensorProto [N,C,H,W]: what engines are verified with. */
  verification: 'verification.pb',
  report: 'report.json',
  /** The report for people: one file that a browser opens. */
  reportPage: 'report.html',
  /** Preprocessed batches of training images, as TLT stores them. */
  tensorfile: 'calibration.tensor',
  /** Written last and once: every file that it names is whole. */
  manifest: 'manifest.json',
} as const;

/** Files in `mounts.work`. */
export const workFiles = {
  /** The graph for the builder, in the precision that was asked for. */
  model: 'model.onnx',
  /** The float graph, what an engine's output is compared with. */
  reference: 'reference.onnx',
  verification: 'verification.pb',
  /** What the build driver reads: `BuildRequest`. */
  request: 'build-request.json',
  /** Written by stage in place of all others when the engine is there already: the result to report. */
  finished: 'finished.json',
} as const;

/** Beside the engine, which has its artifact's name, in `mounts.built`: `BuildReport`. */
export const buildReportFile = 'build-report.json';

const joinUri = (uri: string, ...names: string[]): string => [uri.replace(/\/+$/, ''), ...names].join('/');

export const exportFolder = (output: string, exportKey: string): string => joinUri(output, exportKey);

/** What calibrations counted, beside the export folders: another algorithm is another export, but needs no new pass. */
export const histogramsFile = (output: string, histogramsKey: string): string =>
  joinUri(output, 'histograms', `${histogramsKey}.hist`);

export const tensorfileFolder = (output: string, tensorfileKey: string): string =>
  joinUri(output, tensorfileKey);

export const engineFolder = (exported: string, deviceClass: string, engineKey: string): string =>
  joinUri(exported, 'engines', deviceClass, engineKey);

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
export const numbered = (file: string, n: number): string => (n === 1 ? file : file.replace('.', `-${n}.`));
