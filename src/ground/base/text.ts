/** Truncates text to a number of bytes. */
const ellipsis = '…';

/** At most `limit` bytes of UTF-8, without partial characters; truncated text ends in an ellipsis. */
export const truncateToBytes = (text: string, limit: number): string => {
  if (Buffer.byteLength(text) <= limit) return text;
  const room = limit - Buffer.byteLength(ellipsis);
  const whole = new TextDecoder('utf-8').decode(Buffer.from(text).subarray(0, room), { stream: true });
  return `${whole}${ellipsis}`;
};
