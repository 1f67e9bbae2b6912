/** Writes the class names of a network. Pure. */

/** A line break in a name would count as another class. */
const oneLine = (name: string): string => name.replaceAll(/\p{Cc}+/gu, ' ');

/** One name a line, as TLT, Triton, and nvinfer for detectors read them; undefined without names. */
export const writeLabels = (labels: readonly string[]): string | undefined =>
  labels.length === 0 ? undefined : `${labels.map(oneLine).join('\n')}\n`;

/** One line for the one output of a classifier, its names separated by semicolons, as nvinfer reads them. */
export const writeClassifierLabels = (labels: readonly string[]): string | undefined =>
  labels.length === 0 ? undefined : `${labels.map((name) => oneLine(name).replaceAll(';', ',')).join(';')}\n`;
