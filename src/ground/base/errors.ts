/** Typed errors. A message says what was being done, what was found, and what to do. */
import type { FailureReason } from './failures.ts';

/** A failure that the user can fix. It becomes an exit code and, in a pod, a condition reason. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** The operating system's error name (`ENOENT`, `ENOSPC` …) of anything that was thrown, if it has one. */
export const systemCodeOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
