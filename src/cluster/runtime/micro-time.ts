/** Kubernetes' MicroTime: RFC 3339 with six digits of a second. @param ms milliseconds since the epoch */
export const formatMicroTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
