/** What a pod says when it ends: one JSON object in the termination message, at most 2 KiB. */
import type { FailureReason } from '../base/failures.ts';
import type { ScaleOrigin } from './architectures.ts';

export type Artifact = { readonly uri: string; readonly sha256: string; readonly sizeBytes: number };

export type Exported = {
  readonly kind: 'Exported';
  readonly etlt: Artifact & { readonly inputNode: string; readonly outputNodes: readonly string[] };
  /** The same model in the cipher of the user's codec. */
  readonly codecEtlt?: Artifact;
  readonly calibrationCache?: Artifact & {
    readonly algorithm: ScaleOrigin;
    readonly tensors: number;
    readonly batches: number;
    readonly images: number;
  };
  readonly verification?: Artifact;
  /** Numbers, and the page for people. */
  readonly report?: { readonly uri: string; readonly pageUri?: string };
  /** SHA-256 of what was read, by name: `model`, `spec`, and `images`, `tensorfile` or `trainingData`. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** True if finished work of the same content was found and nothing was done again. */
  readonly reused: boolean;
};

/** Decimal numbers are strings: Kubernetes objects hold no floats. */
export type EngineBuilt = {
  readonly kind: 'EngineBuilt';
  readonly engine: Artifact;
  readonly runtime: { readonly name: string; readonly version: string };
  /** Median time of one run at batch 1, where the engine could be run. */
  readonly latency?: { readonly p50Microseconds: number };
  /** Against the float graph on images kept out of calibration, where the engine could be run. */
  readonly agreement?: {
    readonly images: number;
    readonly sqnrDb: string;
    readonly top1?: string;
    /** Of the boxes that either finds, the share that both find. */
    readonly matchedBoxes?: string;
  };
  readonly reused: boolean;
};

export type TensorfileWritten = {
  readonly kind: 'TensorfileWritten';
  readonly tensorfile: Artifact & { readonly batches: number; readonly images: number };
  readonly reused: boolean;
};

export type Failed = { readonly kind: 'Failed'; readonly reason: FailureReason; readonly message: string };

export type Result = Exported | EngineBuilt | TensorfileWritten | Failed;

/** The kubelet keeps 4,096 bytes a container; half of it leaves room for its own text. */
export const resultLimitBytes = 2048;

/** The termination message for a result. A failure's message is cut to fit; any other result must fit as it is. */
export const encodeResult = (result: Result): string => {
  const text = JSON.stringify(result);
  const excess = Buffer.byteLength(text) - resultLimitBytes;
  if (excess <= 0) return text;
  if (result.kind !== 'Failed' || result.message.length === 0)
    throw new RangeError(`a result of ${text.length} bytes does not fit a termination message`);
  const keep = Math.max(0, result.message.length - excess - 4);
  return encodeResult({ ...result, message: keep === 0 ? '' : `${result.message.slice(0, keep)}…` });
};

/** The result in a termination message, or undefined if the container left none (it crashed or was killed). */
export const parseResult = (message: string | undefined): Result | undefined => {
  if (message === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(message);
    return isResult(value) ? value : undefined;
  } catch {
    return undefined; // Not JSON: the kubelet fell back to the last lines of the log.
  }
};

const kinds: readonly string[] = [
  'Exported',
  'EngineBuilt',
  'TensorfileWritten',
  'Failed',
] satisfies Result['kind'][];

const isResult = (value: unknown): value is Result =>
  typeof value === 'object' && value !== null && 'kind' in value && kinds.includes(String(value.kind));
