/** An error response of the apiserver. It carries no headers and no request body, so it can be logged. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 if there was no response. */
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

/** Whether `thrown` is an ApiError with this HTTP status. */
export const isStatus = (thrown: unknown, status: number): boolean =>
  thrown instanceof ApiError && thrown.status === status;

/**
 * The error for a response outside 2xx.
 * @param request method and path, for the message
 * @param body a metav1.Status, or the text of a proxy in between
 * @param retryAfter the Retry-After header, in seconds
 */
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

/** A longer Retry-After is probably a mistake, and would silently stop a controller. */
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
