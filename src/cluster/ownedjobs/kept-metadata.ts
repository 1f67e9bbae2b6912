/**
 * What the caches keep of labels and annotations. Tenants write as many as they like, up to 1.5 MB an object; the
 * operator's memory must not grow by what it does not read.
 */
import { sha256 } from '../../ground/base/digest.ts';
import { annotations, labels, ownerLabels } from '../api/labels.ts';

type Texts = Readonly<Record<string, string>>;

const readAnnotations: readonly string[] = Object.values(annotations);

const readLabels: readonly string[] = [
  ...Object.values(labels),
  ...Object.values(ownerLabels).flatMap(({ name, uid }) => [name, uid]),
];

/** Values are compared and shown, so that of a longer one its digest serves as well. */
const longestValue = 256;

export const shortenValue = (value: string): string => (value.length <= longestValue ? value : sha256(value));

const pickTexts = (texts: Texts | undefined, names: readonly string[]): Texts | undefined => {
  const found = names.flatMap((name) => {
    const value = texts?.[name];
    return value === undefined ? [] : [[name, shortenValue(value)] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
};

export const pickAnnotations = (all: Texts | undefined): Texts | undefined => pickTexts(all, readAnnotations);
export const pickLabels = (all: Texts | undefined): Texts | undefined => pickTexts(all, readLabels);
