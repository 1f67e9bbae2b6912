/** Formats the description of a Keras model as text. */
import type { KerasDescription } from '../../graph/keras/describe.ts';

/** Names of the meanings of 'same' padding. */
export const paddingNames: Readonly<Record<KerasDescription['padding'], string>> = {
  tlt: "TLT's",
  keras: "Keras's",
};

/** Formats rows of label and value. */
export const formatKeras = (keras: KerasDescription): (readonly [string, string])[] => [
  [
    'made by',
    `Keras ${keras.kerasVersion ?? 'of unknown version'} on ${keras.backend ?? 'an unknown backend'}`,
  ],
  ['layers', `${keras.layers.length}: ${formatLayerClasses(keras)}`],
  ['parameters', keras.parameters.toLocaleString('en-US')],
  ['padding', `${paddingNames[keras.padding]}${paddingMeaning[keras.padding]}`],
  ...(keras.endsBySpec ? [endRow] : []),
  ['QAT', keras.qat ? 'yes: tlt-export writes its scales to the calibration cache' : 'no'],
];

const endRow = [
  'end',
  "TensorRT plugin nodes, added according to the training's spec: tlt-export MODULE -e SPEC, tlt-model convert -e SPEC",
] as const;

const paddingMeaning: Readonly<Record<KerasDescription['padding'], string>> = {
  tlt: ': equal on both sides',
  keras: ': an odd pixel is added at the end',
};

/** Lists the most frequent layer classes. */
const formatLayerClasses = ({ layers }: KerasDescription): string => {
  const counts = [...Map.groupBy(layers, (layer) => layer.class)].map(
    ([name, each]) => [name, each.length] as const,
  );
  const sorted = counts.toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const shown = sorted.slice(0, 6).map(([name, count]) => `${count} ${name}`);
  return [...shown, ...(sorted.length > 6 ? [`${sorted.length - 6} other kinds`] : [])].join(', ');
};
