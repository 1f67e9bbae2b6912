/** The device classes that get a column of the matrix. Pure. */
import type { StatusReport } from '../plugin/report.ts';

/** Columns of the matrix: bounds the width of the page. */
const maxColumns = 16;

/** The classes of most of these exports, by name. The other ones are summarised in one column. */
export const chooseColumns = (
  reports: readonly StatusReport[],
): { readonly columns: readonly string[]; readonly others: boolean } => {
  const uses = new Map<string, number>();
  for (const { stages } of reports)
    for (const { deviceClass } of stages)
      if (deviceClass !== undefined) uses.set(deviceClass, (uses.get(deviceClass) ?? 0) + 1);
  const frequent = [...uses].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name);
  return { columns: frequent.slice(0, maxColumns).sort(), others: frequent.length > maxColumns };
};
