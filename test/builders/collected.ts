/** Collects the items of an iterable, asynchronous or not, in a list. */
export const collect = async <T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};
