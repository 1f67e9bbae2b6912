/** Structured logs: a constant message plus fields. JSON by default; human-readable on a terminal. */
import winston from 'winston';

/** Winston would append a field `message` to the message. */
export type Fields = Readonly<Record<string, unknown>> & { readonly message?: never };

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export type LogOptions = { readonly level: 'debug' | 'info'; readonly readable: boolean };

/** Creates a logger that writes to standard error, so that standard output is free for results. */
export const makeLog = ({ level, readable }: LogOptions): Log => {
  const { combine, timestamp, json, printf } = winston.format;
  const sentence = printf(({ timestamp: time, level: severity, message, ...fields }) => {
    const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    return [time, severity.toUpperCase().padEnd(5), message, ...rest].join(' ');
  });
  return winston.createLogger({
    level,
    format: combine(timestamp(), readable ? sentence : json()),
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  });
};
