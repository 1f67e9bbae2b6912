/** Formats the description of an experiment spec as text. */
import type { Fold, KittiSource, LoaderPlan, TfrecordSource } from '../../data/datasets/plan.ts';
import type { Geometry } from '../../data/preprocessing/geometry.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import type { PixelScaling } from '../../data/preprocessing/values.ts';
import type { SpecDescription } from './inspect-spec.ts';

type Row = readonly [label: string, value: string];

/** Formats rows of label and value. */
export const formatSpec = ({
  architecture,
  family,
  classes,
  seed,
  imagePreprocessing,
  loader,
  unneeded,
}: SpecDescription): Row[] => [
  ['module', `${architecture}, in the format of ${family}`],
  ['classes', classes.length === 0 ? 'not listed: each folder is a class' : classes.join(', ')],
  ...(seed === null ? [] : ([['random_seed', String(seed)]] as Row[])),
  [
    'image folder',
    imagePreprocessing ? formatPreprocessing(imagePreprocessing) : 'the default of the module',
  ],
  ...(loader ? loaderRows(loader) : []),
  ...(unneeded.length === 0
    ? []
    : ([
        ['not needed', `${unneeded.length} fields that an export does not read (--json lists them)`],
      ] as Row[])),
];

const loaderRows = (plan: LoaderPlan): Row[] => {
  const { size, batchSize, geometry, values } = plan;
  return [
    ...dataRows(plan),
    [
      'batches',
      `${batchSize} images of ${size.channels}×${size.height}×${size.width} (channels, height, width)`,
    ],
    ['geometry', formatGeometry(geometry)],
    ['values', formatValues(values, size.channels)],
  ];
};

const dataRows = (plan: LoaderPlan): Row[] => {
  switch (plan.kind) {
    case 'classFolders':
      return [
        ['training', `one folder per class in ${plan.training}`],
        ['validation', plan.validation === undefined ? none : `one folder per class in ${plan.validation}`],
      ];
    case 'kittiFolders':
      return [
        ...formatSources('training', plan.training, formatKittiSource),
        ...formatSources('validation', plan.validation, formatKittiSource),
      ];
    case 'tfrecords': {
      const text = (source: TfrecordSource) => formatTfrecordSource(source, plan.imageExtension);
      const { validation } = plan;
      const own = validation && 'source' in validation ? [validation.source] : [];
      return [
        ...formatSources('training', plan.sources, text),
        ...(validation && 'fold' in validation
          ? ([['validation', formatFold(validation)]] as Row[])
          : formatSources('validation', own, text)),
      ];
    }
  }
};

const none = 'none';

const formatSources = <T>(label: string, sources: readonly T[], text: (source: T) => string): Row[] =>
  sources.length === 0
    ? [[label, none]]
    : sources.map((source, index): Row => [index === 0 ? label : '', text(source)]);

const formatFold = ({ fold }: Fold): string => `fold ${fold} of these records; training uses the others`;

const formatKittiSource = ({ imageFolder, labelFolder, weight }: KittiSource): string =>
  `images in ${imageFolder} that have a label in ${labelFolder}${formatWeight(weight)}`;

const formatTfrecordSource = ({ records, imageFolder, weight }: TfrecordSource, extension: string): string =>
  `TFRecords ${records}, ${imageFolder === undefined ? 'which contain the images' : `images ${imageFolder}/<frame/id>.${extension.replace(/^\./, '')}`}${formatWeight(weight)}`;

const formatWeight = (weight: number | undefined): string =>
  weight === undefined ? '' : `, drawn with weight ${weight}`;

const formatGeometry = (geometry: Geometry): string => {
  switch (geometry.kind) {
    case 'nearest':
      return 'stretched to that size, nearest neighbour';
    case 'bilinear':
      return 'stretched to that size, bilinear';
    case 'autoResize':
      return 'stretched to that size, bilinear with aligned corners (enable_auto_resize)';
    case 'letterbox':
      return "letterboxed to that size, bilinear, padded with the image's mean";
    case 'padCrop':
      return `not resized: padded with black on the right and at the bottom, then cropped to that size at (${geometry.left}, ${geometry.top})`;
  }
};

const formatValues = ({ order, scale, mean, divisor }: PixelScaling, channels: number): string => {
  const level = scale < 1 ? `x / ${formatNumber(1 / scale)}` : 'x';
  const moved = subtractMean(level, mean);
  return `${formatOrder(order, channels)}, y = ${divisor === 1 ? moved : `(${moved}) / ${formatNumber(divisor)}`}`;
};

const formatPreprocessing = ({ order, mean, scale }: Preprocessing): string => {
  const moved = subtractMean('x', mean);
  const divisors = [scale].flat().map((each) => formatNumber(1 / each));
  return `${formatOrder(order, mean.length)}, y = ${scale === 1 ? moved : `(${moved}) / ${divisors.join(', ')}`}`;
};

const subtractMean = (level: string, mean: readonly number[]): string =>
  mean.every((each) => each === 0) ? level : `${level} − (${mean.map(formatNumber).join(', ')})`;

const formatOrder = (order: string, channels: number): string => (channels === 1 ? 'grey' : order);

const formatNumber = (value: number): string => String(Number(value.toPrecision(6)));
