/** An answer of the apiserver other than success. Carries no headers and no request body, so it can be logged. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 if there was no answer at all. */
  readonly status: number;
  /** metav1.Status reason, for example AlreadyExists or Conflict. */
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  constructor(
    answer: { status: number; reason: string; message: string; retryAfterMs?: number | undefined },
    cause?: unknown,
  ) {
    super(answer.message, { cause });
    this.status = answer.status;
    this.reason = answer.reason;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

export const isStatus = (thrown: unknown, status: number): boolean =>
  thrown instanceof ApiError && thrown.status === status;

/** From the body of an error answer: a metav1.Status, or whatever a proxy in between wrote. */
export const toApiError = (
  request: string,
  status: number,
  body: string,
  retryAfter: string | undefined,
): ApiError => {
  const { reason, message } = parseStatus(body);
  return new ApiError({
    status,
    reason: reason ?? 'Unknown',
    message: `${request}: ${status} ${message ?? body.slice(0, 200)}`,
    retryAfterMs: parseRetryAfterMs(retryAfter),
  });
};

/** A server that asks for a day has made a mistake, and nobody would notice a controller that believes it. */
const longestRetryAfterMs = 60_000;

const parseRetryAfterMs = (header: string | undefined): number | undefined => {
  const ms = Number(header) * 1000;
  return header === undefined || !Number.isFinite(ms)
    ? undefined
    : Math.min(Math.max(ms, 0), longestRetryAfterMs);
};

const parseStatus = (body: string): { readonly reason?: string; readonly message?: string } => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // Not a metav1.Status: the text itself is the message.
  }
};
