import { printableLines } from '../../ground/base/printable.ts';

/** Formats a log line like TLT, because scripts parse it: `2018-11-02 18:59:43,347 [INFO] iva.common.tlt-export: …`. */
export const formatLogLine = (
  tool: string,
  now: Date,
  { level, message }: { readonly level: string; readonly message: string },
): string => {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  return `${date} ${time},${String(now.getMilliseconds()).padStart(3, '0')} [${level}] iva.common.${tool}: ${printableLines(message)}\n`;
};
