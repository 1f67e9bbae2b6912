/** Places in one block of memory for tensors that do not all live at the same time. */

/** A tensor of so many bytes that is in use from one step to another, both inclusive. */
export type Tenant = {
  readonly name: string;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
};

export type SlabLayout = { readonly offsets: ReadonlyMap<string, number>; readonly bytes: number };

/** A cache line, which vector instructions like to start at. */
const alignment = 64;

/** Tenants of a common step never overlap. The largest are placed first, each as low as it fits. */
export const slabLayout = (tenants: readonly Tenant[]): SlabLayout => {
  const placed: (Tenant & { readonly start: number; readonly end: number })[] = [];
  for (const tenant of [...tenants].sort((a, b) => b.bytes - a.bytes)) {
    const length = Math.ceil(tenant.bytes / alignment) * alignment;
    const neighbours = placed
      .filter(({ from, to }) => from <= tenant.to && tenant.from <= to)
      .sort((a, b) => a.start - b.start);
    let start = 0;
    for (const neighbour of neighbours)
      if (neighbour.start < start + length) start = Math.max(start, neighbour.end);
    placed.push({ ...tenant, start, end: start + length });
  }
  return {
    offsets: new Map(placed.map(({ name, start }) => [name, start])),
    bytes: placed.reduce((most, { end }) => Math.max(most, end), 0),
  };
};
