/**
 * Jobs that the apiserver refused to create: by a quota, a webhook, or because the Job is not valid. Kept in memory: after
 * a restart the create is tried again and refused again.
 */
import type { Clock } from '../../ground/base/clock.ts';
import type { ApiError } from '../runtime/api-error.ts';

export type Refusal = {
  readonly message: string;
  /** Whether the same Job may be accepted later: a quota is freed, a webhook changes its mind; an invalid Job stays so. */
  readonly canPass: boolean;
  /** Whether it is time to try again. */
  readonly isDue: boolean;
};

type RefusalRecord = { readonly message: string; readonly canPass: boolean; readonly atMs: number };

/** How long after a refusal the Job is tried again, in milliseconds. */
export const refusalPauseMs = 60_000;

const invalid = 422;

export class Refusals {
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** By `<namespace>/<name of the Job>`, in order of their last refusal. */
  readonly #noted = new Map<string, RefusalRecord>();

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  note(job: string, { status, message }: ApiError): void {
    const atMs = this.#clock.elapsed();
    this.#noted.delete(job);
    this.#noted.set(job, { message: message.slice(0, 1000), canPass: status !== invalid, atMs });
    // A Job that is wanted is tried each minute: what was not tried for longer is wanted no more.
    for (const [name, { atMs: then, canPass }] of this.#noted)
      if (canPass && atMs - then > 10 * refusalPauseMs) this.#noted.delete(name);
  }

  forget(job: string): void {
    this.#noted.delete(job);
  }

  of(job: string): Refusal | undefined {
    const noted = this.#noted.get(job);
    if (noted === undefined) return undefined;
    const { message, canPass, atMs } = noted;
    return { message, canPass, isDue: this.#clock.elapsed() - atMs >= refusalPauseMs };
  }
}
