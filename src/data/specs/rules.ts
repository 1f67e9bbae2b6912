/** Field checks shared by the readers of all modules. Each records what is wrong and returns the value, or undefined. */
import { limits } from '../../ground/base/limits.ts';
import type { Notes } from './notes.ts';

/** A required field of any type. */
export const requireField = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  notes: Notes,
): NonNullable<T[K]> | undefined => {
  const value = owner[field];
  if (value === undefined || value === null) notes.add(owner, field, { what: 'required field is missing' });
  return value ?? undefined;
};

/** A required non-empty string. */
export const requireText = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  notes: Notes,
): string | undefined => {
  const value = owner[field];
  if (typeof value === 'string' && value !== '') return value;
  notes.add(owner, field, { what: value === undefined ? 'required field is missing' : 'it is empty' });
  return undefined;
};

/** Inclusive bounds of a number. */
export type Bounds = { readonly min: number; readonly max?: number; readonly multipleOf?: number };

/** A required number within bounds. */
export const requireNumber = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  { notes, min, max = Number.MAX_VALUE, multipleOf = 0 }: Bounds & { readonly notes: Notes },
): number | undefined => {
  const value = owner[field];
  if (typeof value !== 'number') {
    notes.add(owner, field, { what: 'required field is missing' });
    return undefined;
  }
  const divides = multipleOf === 0 || value % multipleOf === 0;
  if (value >= min && value <= max && divides) return value;
  const parts = [
    `at least ${min}`,
    ...(max < Number.MAX_VALUE ? [`at most ${max}`] : []),
    ...(multipleOf ? [`a multiple of ${multipleOf}`] : []),
  ];
  notes.add(owner, field, { what: `it is ${value}, and must be ${parts.join(' and ')}` });
  return undefined;
};

/** Training batch size: `batch_size_per_gpu`, at least 1. */
export const batchSizeOf = <T extends { readonly batch_size_per_gpu?: number | undefined }>(
  owner: T | undefined,
  notes: Notes,
): number | undefined => owner && requireNumber(owner, 'batch_size_per_gpu', { notes, min: 1 });

/** Whether width × height is within the limit `imagePixels`; records an error at the field otherwise. */
export const checkPixels = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  { width, height, notes }: { readonly width: number; readonly height: number; readonly notes: Notes },
): boolean => {
  const { max, remedy } = limits.imagePixels;
  if (width * height <= max) return true;
  notes.add(owner, field, {
    what: `the image has ${width} × ${height} pixels, and at most ${max} are accepted. ${remedy}`,
  });
  return false;
};

/** Number of channels, 1 or 3. Default 3: specs of TLT 2.0 often omit it. */
export const channelsOf = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  notes: Notes,
): 1 | 3 | undefined => {
  const value = owner[field] ?? 0;
  if (value === 0 || value === 3) return 3;
  if (value === 1) return 1;
  notes.add(owner, field, { what: `it is ${String(value)}, and must be 1 or 3` });
  return undefined;
};

type Means = ReadonlyMap<string, number> | undefined;

/** Channel means in the order of `keys`; undefined if the spec sets none. */
export const meansOf = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  { keys, notes }: { readonly keys: readonly string[]; readonly notes: Notes },
): readonly number[] | undefined => {
  const means = owner[field] as Means;
  if (means === undefined || means.size === 0) return undefined;
  const found = keys.map((key) => means.get(key));
  const missing = keys.filter((key) => !Number.isFinite(means.get(key)));
  if (missing.length === 0) return found as number[];
  notes.add(owner, field, {
    what: `it has no value for ${missing.join(', ')}; required keys: ${keys.join(', ')}`,
  });
  return undefined;
};

/** Keys of means by number of channels, in the BGR order of these networks; `l` is grey. */
export const meanKeys = { 1: ['l'], 3: ['b', 'g', 'r'] } as const;

/** Distinct target classes of a class mapping, sorted. */
export const mappedClasses = (mapping: ReadonlyMap<string, string> | undefined): readonly string[] =>
  [...new Set(mapping?.values() ?? [])].sort();
