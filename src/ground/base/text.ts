/** Text within limits that are counted in bytes. */
const ellipsis = '…';

/** At most `limit` bytes of UTF-8, whole characters; what was cut ends in an ellipsis. */
export const truncateToBytes = (text: string, limit: number): string => {
  if (Buffer.byteLength(text) <= limit) return text;
  const room = limit - Buffer.byteLength(ellipsis);
  const whole = new TextDecoder('utf-8').decode(Buffer.from(text).subarray(0, room), { stream: true });
  return `${whole}${ellipsis}`;
};
