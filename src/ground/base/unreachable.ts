/** Exhaustiveness check: does not compile if a switch misses a case of a union. */
export const unreachable = (value: never): never => {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
};
