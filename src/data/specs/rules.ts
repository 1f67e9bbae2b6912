/** Rules that hold for the specs of several modules. Each notes what is wrong and gives the value, or undefined. */
import { limits } from '../../ground/base/limits.ts';
import type { Notes } from './notes.ts';

/** A message that must be there; without it the field is missed once. */
export const need = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  notes: Notes,
): NonNullable<T[K]> | undefined => {
  const value = owner[field];
  if (value === undefined || value === null) notes.add(owner, field, { what: 'it is missing' });
  return value ?? undefined;
};

/** Text that is not empty. */
export const needText = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  notes: Notes,
): string | undefined => {
  const value = owner[field];
  if (typeof value === 'string' && value !== '') return value;
  notes.add(owner, field, { what: value === undefined ? 'it is missing' : 'it is empty' });
  return undefined;
};

export type Bounds = { readonly least: number; readonly most?: number; readonly multipleOf?: number };

/** A number within bounds; one that is not set counts as missing. */
export const needNumber = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  { notes, least, most = Number.MAX_VALUE, multipleOf = 0 }: Bounds & { readonly notes: Notes },
): number | undefined => {
  const value = owner[field];
  if (typeof value !== 'number') {
    notes.add(owner, field, { what: 'it is missing' });
    return undefined;
  }
  const divides = multipleOf === 0 || value % multipleOf === 0;
  if (value >= least && value <= most && divides) return value;
  const parts = [
    `at least ${least}`,
    ...(most < Number.MAX_VALUE ? [`at most ${most}`] : []),
    ...(multipleOf ? [`a multiple of ${multipleOf}`] : []),
  ];
  notes.add(owner, field, { what: `it is ${value}, and must be ${parts.join(' and ')}` });
  return undefined;
};

/** Images in a training batch. */
export const batchSizeOf = <T extends { readonly batch_size_per_gpu?: number | undefined }>(
  owner: T | undefined,
  notes: Notes,
): number | undefined => owner && needNumber(owner, 'batch_size_per_gpu', { notes, least: 1 });

/** Whether an image of these sides fits into memory; noted at the field if it does not. */
export const isBounded = <T extends object, K extends keyof T & string>(
  owner: T,
  field: K,
  { width, height, notes }: { readonly width: number; readonly height: number; readonly notes: Notes },
): boolean => {
  const { most, remedy } = limits.imagePixels;
  if (width * height <= most) return true;
  notes.add(owner, field, {
    what: `the image has ${width} × ${height} pixels, and at most ${most} are accepted. ${remedy}`,
  });
  return false;
};

/** 1 or 3; a channel count that is not set is 3, since specs of TLT 2.0 often leave it out. */
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

/** Means by these keys, in their order; undefined where the spec gives none. */
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
    what: `it has no number for ${missing.join(', ')}, and needs ${keys.join(', ')}`,
  });
  return undefined;
};

/** Blue first, as the planes of these networks lie; grey has luminance alone. */
export const meanKeys = { 1: ['l'], 3: ['b', 'g', 'r'] } as const;

/** Distinct mapped classes, sorted. */
export const mappedClasses = (mapping: ReadonlyMap<string, string> | undefined): readonly string[] =>
  [...new Set(mapping?.values() ?? [])].sort();
