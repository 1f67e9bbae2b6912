/** Durations and sizes for people. Pure. */

/** As kubectl writes ages: `45s`, `3m`, `5h`, `2d`. @param ms milliseconds */
export const formatAge = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
};

/** `999 B`, `1.0 KiB`, `12.5 MiB`. */
export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
};

/** `3.4 ms`. */
export const formatMilliseconds = (microseconds: number): string => `${(microseconds / 1000).toFixed(1)} ms`;
