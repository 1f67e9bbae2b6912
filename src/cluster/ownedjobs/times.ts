/** Times as Kubernetes writes them. */

/** Milliseconds since the epoch; undefined for what is no time: the apiserver writes null where none was set. */
export const parseTime = (time: string | null | undefined): number | undefined => {
  const ms = Date.parse(time ?? '');
  return Number.isFinite(ms) ? ms : undefined;
};

/** To the second. @param ms since the epoch */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
