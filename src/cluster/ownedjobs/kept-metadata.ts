/**
 * The labels and annotations that the caches keep. Tenants can write up to 1.5 MB per object, and the operator's memory
 * must not grow with what it does not read.
 */
import { sha256 } from '../../ground/base/digest.ts';
import { annotations, labels, ownerLabels } from '../api/labels.ts';

type Texts = Readonly<Record<string, string>>;

const readAnnotations: readonly string[] = Object.values(annotations);

const readLabels: readonly string[] = [
  ...Object.values(labels),
  ...Object.values(ownerLabels).flatMap(({ name, uid }) => [name, uid]),
];

/** Maximum length of a kept value. A longer value is replaced by its digest, which serves comparisons as well. */
const longestValue = 256;

/** The value, or its digest if it is long. */
export const shortenValue = (value: string): string => (value.length <= longestValue ? value : sha256(value));

const pickTexts = (texts: Texts | undefined, names: readonly string[]): Texts | undefined => {
  const found = names.flatMap((name) => {
    const value = texts?.[name];
    return value === undefined ? [] : [[name, shortenValue(value)] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
};

/** The annotations that the operator reads. */
export const pickAnnotations = (all: Texts | undefined): Texts | undefined => pickTexts(all, readAnnotations);
/** The labels that the operator reads. */
export const pickLabels = (all: Texts | undefined): Texts | undefined => pickTexts(all, readLabels);
