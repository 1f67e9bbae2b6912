/** Fails to compile where a union has a case that a switch forgot. */
export const unreachable = (value: never): never => {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
};
