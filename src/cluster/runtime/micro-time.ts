/**
 * metav1.MicroTime: RFC 3339 with exactly six fractional digits.
 * @param ms milliseconds since the epoch
 */
export const formatMicroTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
