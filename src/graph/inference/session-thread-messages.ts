/** Messages between a `SessionThread` and its thread: plain data, cloned or transferred. */
import type { FailureReason } from '../../ground/base/failures.ts';
import type { FloatTensor, FloatTensors, SessionOptions } from './session.ts';

/** Requests to the thread. */
export type ThreadRequest =
  /** Opens a session in place of an earlier one. */
  | { readonly kind: 'open'; readonly model: Uint8Array<ArrayBuffer>; readonly options: SessionOptions }
  | { readonly kind: 'run'; readonly feeds: FloatTensors }
  | { readonly kind: 'release' };

/** One response per request, in order. */
export type ThreadResponse =
  | { readonly kind: 'done' }
  | { readonly kind: 'outputs'; readonly outputs: Record<string, FloatTensor> }
  /** A UserError. */
  | { readonly kind: 'refused'; readonly reason: FailureReason; readonly message: string }
  /** Any other error. */
  | { readonly kind: 'failed'; readonly message: string };
