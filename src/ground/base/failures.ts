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
  Internal: { exitCode: 1, retry: 'later', meaning: 'A bug in this program; the log has the stack trace.' },
  Usage: { exitCode: 2, retry: 'never', meaning: 'A flag is unknown or missing, or has an invalid value.' },
  WrongKey: { exitCode: 10, retry: 'never', meaning: 'The key does not open the model.' },
  KeyMissing: { exitCode: 11, retry: 'never', meaning: 'No key was given, or the key file is empty.' },
  InputNotFound: { exitCode: 12, retry: 'never', meaning: 'A named input file or folder does not exist.' },
  ModelInvalid: { exitCode: 13, retry: 'never', meaning: 'The model file is truncated or damaged.' },
  ModelForeign: {
    exitCode: 14,
    retry: 'never',
    meaning: "The model is encrypted with NVIDIA's own cipher, and no codec was given.",
  },
  ModelUnsupported: {
    exitCode: 15,
    retry: 'never',
    meaning:
      'The graph does not have the structure that its architecture requires, or has an unsupported operator.',
  },
  ExportDiffers: {
    exitCode: 16,
    retry: 'never',
    meaning: 'The exported graph does not compute the same as the input model.',
  },
  DigestMismatch: {
    exitCode: 17,
    retry: 'never',
    meaning: 'The digest of a file differs from the required sha256.',
  },
  LayerNotFound: {
    exitCode: 18,
    retry: 'never',
    meaning: 'A name in --keep_float or keepFloat matches no layer, or no layer remains for int8.',
  },
  CodecFailed: {
    exitCode: 19,
    retry: 'never',
    meaning: 'The program of --codec_command or spec.codec failed, or could not be started.',
  },
  TooFewImages: {
    exitCode: 20,
    retry: 'never',
    meaning: 'There are fewer images than batches × batch size.',
  },
  ImageInvalid: { exitCode: 21, retry: 'never', meaning: 'A calibration image cannot be decoded.' },
  CalibrationSourceMissing: {
    exitCode: 22,
    retry: 'never',
    meaning: 'int8 was requested without calibration data.',
  },
  CalibrationFailed: {
    exitCode: 23,
    retry: 'never',
    meaning: 'A tensor became NaN during calibration, or became infinite although it needs a scale.',
  },
  CacheInvalid: {
    exitCode: 24,
    retry: 'never',
    meaning: 'The calibration cache cannot be parsed, or does not match the model.',
  },
  SpecInvalid: { exitCode: 25, retry: 'never', meaning: 'The experiment spec is missing or malformed.' },
  TensorfileInvalid: {
    exitCode: 26,
    retry: 'never',
    meaning: 'The tensorfile is malformed, or its shape does not match the model.',
  },
  DatasetInvalid: {
    exitCode: 27,
    retry: 'never',
    meaning: 'A TFRecord or label file of the training data is damaged.',
  },
  AgreementTooLow: {
    exitCode: 28,
    retry: 'never',
    meaning: 'The agreement of int8 with float is below the required minimum.',
  },
  HistogramsInvalid: {
    exitCode: 29,
    retry: 'never',
    meaning: 'A histogram file is damaged, belongs to another model, or cannot be added to the others.',
  },
  CacheIncomplete: {
    exitCode: 33,
    retry: 'never',
    meaning: 'The calibration cache would lack scales that the graph needs. Nothing was stored.',
  },
  OutputExists: {
    exitCode: 30,
    retry: 'never',
    meaning: 'An output exists already. It was not overwritten.',
  },
  OutputUnwritable: {
    exitCode: 31,
    retry: 'never',
    meaning: 'The output folder does not exist or is not writable.',
  },
  DiskFull: {
    exitCode: 32,
    retry: 'later',
    meaning: 'The disk is full. No incomplete output was left.',
  },
  EngineBuildFailed: {
    exitCode: 40,
    retry: 'never',
    meaning: 'The engine builder failed or refused the model.',
  },
  EngineUnsupported: {
    exitCode: 41,
    retry: 'never',
    meaning: 'The backend cannot build this model for this device class.',
  },
  HardwareMismatch: {
    exitCode: 42,
    retry: 'never',
    meaning: 'The device, its driver or the TensorRT version does not match the device class.',
  },
  EngineVerificationFailed: {
    exitCode: 43,
    retry: 'never',
    meaning: 'The engine was built, but its output is wrong.',
  },
  Int8ShareTooLow: {
    exitCode: 44,
    retry: 'never',
    meaning: 'Less than half of the arithmetic would be int8, and --require_int8 or requireInt8 is set.',
  },
  StorageDenied: {
    exitCode: 45,
    retry: 'never',
    meaning:
      'Object storage refuses the credentials, the access or the region, or its certificate is not trusted.',
  },
  ScratchTooSmall: {
    exitCode: 46,
    retry: 'never',
    meaning: 'The objects that must be whole on disk do not fit into the scratch space of the pod.',
  },
  StorageUnavailable: {
    exitCode: 50,
    retry: 'later',
    meaning:
      'The artifact store did not respond, is overloaded or damages what it transfers, or the credentials have expired.',
  },
  Interrupted: { exitCode: 51, retry: 'later', meaning: 'A signal stopped the work before it was complete.' },
  OutOfMemory: {
    exitCode: 52,
    retry: 'never',
    meaning: 'The work needs more memory than its limit. It stopped before the OOM killer would end it.',
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
