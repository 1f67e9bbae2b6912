/** Timestamps in Kubernetes' format (metav1.Time). */

/** @returns milliseconds since the epoch; undefined for null, which the apiserver writes for an unset time */
export const parseTime = (time: string | null | undefined): number | undefined => {
  const ms = Date.parse(time ?? '');
  return Number.isFinite(ms) ? ms : undefined;
};

/**
 * RFC 3339 with whole seconds.
 * @param ms milliseconds since the epoch
 */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
