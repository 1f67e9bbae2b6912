/**
 * All failures of tools and pods, with their exit codes: one table for the command line (exit code), Jobs (podFailurePolicy)
 * and ModelExport status (condition reason). Reasons are API: add rows, never rename or renumber them.
 */
export type FailureRow = {
  /** Exit code of the process. 1 and 2 have their usual meaning; 126 and above are reserved by the shell. */
  readonly exitCode: number;
  /** `never`: the same input fails again. `later`: the environment failed, so a retry can succeed. */
  readonly retry: 'never' | 'later';
  /** Text of the reference page. */
  readonly meaning: string;
};

/** Failures by reason. */
export const failures = {
  Internal: { exitCode: 1, retry: 'later', meaning: 'A defect of this program; the log has the stack.' },
  Usage: { exitCode: 2, retry: 'never', meaning: 'A flag is unknown, missing or has an unusable value.' },
  WrongKey: { exitCode: 10, retry: 'never', meaning: 'The key does not open the model.' },
  KeyMissing: { exitCode: 11, retry: 'never', meaning: 'No key was given, or the key file is empty.' },
  InputNotFound: { exitCode: 12, retry: 'never', meaning: 'A named input file or folder does not exist.' },
  ModelInvalid: { exitCode: 13, retry: 'never', meaning: 'The model file is cut short or damaged.' },
  ModelForeign: {
    exitCode: 14,
    retry: 'never',
    meaning: "The model is encrypted with NVIDIA's own cipher, and no codec was named.",
  },
  ModelUnsupported: { exitCode: 15, retry: 'never', meaning: 'The graph lacks what its architecture needs.' },
  ExportDiffers: {
    exitCode: 16,
    retry: 'never',
    meaning: 'The exported graph does not compute what the model given computes.',
  },
  DigestMismatch: {
    exitCode: 17,
    retry: 'never',
    meaning: 'A file is not the one that its sha256 pin names.',
  },
  LayerNotFound: {
    exitCode: 18,
    retry: 'never',
    meaning: 'A layer to leave in float fits nothing in the model, or nothing is left for int8.',
  },
  CodecFailed: {
    exitCode: 19,
    retry: 'never',
    meaning: 'The program that --codec_command or spec.codec names failed, or could not be run.',
  },
  TooFewImages: { exitCode: 20, retry: 'never', meaning: 'Fewer images than batches × batch size.' },
  ImageInvalid: { exitCode: 21, retry: 'never', meaning: 'A calibration image cannot be decoded.' },
  CalibrationSourceMissing: {
    exitCode: 22,
    retry: 'never',
    meaning: 'int8 was asked for without calibration data.',
  },
  CalibrationFailed: {
    exitCode: 23,
    retry: 'never',
    meaning: 'A tensor became NaN in calibration, or infinite where it needs a scale.',
  },
  CacheInvalid: {
    exitCode: 24,
    retry: 'never',
    meaning: 'The calibration cache cannot be parsed or does not fit the model.',
  },
  SpecInvalid: { exitCode: 25, retry: 'never', meaning: 'The experiment spec is missing or malformed.' },
  TensorfileInvalid: {
    exitCode: 26,
    retry: 'never',
    meaning: 'The tensorfile is malformed or of another shape.',
  },
  DatasetInvalid: {
    exitCode: 27,
    retry: 'never',
    meaning: 'A TFRecord or label file of the training data is damaged.',
  },
  AgreementTooLow: {
    exitCode: 28,
    retry: 'never',
    meaning: 'The int8 model differs more from the float model than the agreement asked for allows.',
  },
  HistogramsInvalid: {
    exitCode: 29,
    retry: 'never',
    meaning: 'A histogram file is damaged, of another model, or cannot be added to the others.',
  },
  CacheIncomplete: {
    exitCode: 33,
    retry: 'never',
    meaning: 'The calibration cache would lack scales that the graph needs; nothing was stored.',
  },
  OutputExists: {
    exitCode: 30,
    retry: 'never',
    meaning: 'An output path is taken; nothing was overwritten.',
  },
  OutputUnwritable: {
    exitCode: 31,
    retry: 'never',
    meaning: 'The output folder does not exist or may not be written.',
  },
  DiskFull: {
    exitCode: 32,
    retry: 'later',
    meaning: 'The disk filled up; nothing was left under the final name.',
  },
  EngineBuildFailed: { exitCode: 40, retry: 'never', meaning: 'The engine builder refused the model.' },
  EngineUnsupported: {
    exitCode: 41,
    retry: 'never',
    meaning: 'The backend cannot build this for this device class.',
  },
  HardwareMismatch: {
    exitCode: 42,
    retry: 'never',
    meaning: 'The device, its driver or the TensorRT version is not that of the device class.',
  },
  EngineVerificationFailed: {
    exitCode: 43,
    retry: 'never',
    meaning: 'The built engine ran but gave wrong output.',
  },
  Int8ShareTooLow: {
    exitCode: 44,
    retry: 'never',
    meaning: 'Less than half of the arithmetic would be int8, and more was asked for.',
  },
  StorageUnavailable: { exitCode: 50, retry: 'later', meaning: 'The artifact store did not answer.' },
  Interrupted: { exitCode: 51, retry: 'later', meaning: 'Stopped by a signal before it was done.' },
  OutOfMemory: {
    exitCode: 52,
    retry: 'never',
    meaning: 'The work needs more memory than its limit; it was ended before the system would kill it.',
  },
} as const satisfies Record<string, FailureRow>;

export type FailureReason = keyof typeof failures;

/** Exit codes for which a Job must not retry its pod. */
export const terminalExitCodes: readonly number[] = Object.values(failures)
  .filter(({ retry }) => retry === 'never')
  .map(({ exitCode }) => exitCode);

/** Reason of an exit code; undefined for foreign codes (a crash, the OOM killer). */
export const reasonOfExitCode = (exitCode: number): FailureReason | undefined =>
  (Object.keys(failures) as FailureReason[]).find((reason) => failures[reason].exitCode === exitCode);
