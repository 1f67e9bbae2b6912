/** Formats the output of `tlt-model inspect` as text. */
import type { ArrayDescription, Hdf5Contents } from '../../formats/hdf5/hdf5-contents.ts';
import { printable } from '../../ground/base/printable.ts';
import type { ModelDescription, TensorDescription } from './describe-model.ts';
import type { CacheDescription, FileDescription, HistogramDescription } from './inspect.ts';
import { formatKeras } from './keras-text.ts';
import { formatQuantisation } from './quantisation-text.ts';
import { formatSpec } from './spec-text.ts';

type Row = readonly [label: string, value: string];

/** Formats a heading with the file's name, then one line per fact. Control characters are escaped. */
export const formatDescription = (report: FileDescription): string => {
  const rows = [...fileRows(report), ...contentRows(report)];
  const width = rows.reduce((most, [label]) => Math.max(most, label.length), 0);
  return [
    printable(report.file),
    ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`),
  ].join('\n');
};

const fileRows = ({ format, sizeBytes, sha256, container, payload }: FileDescription): Row[] => [
  ['format', formatNames[format]],
  ['size', formatBytes(sizeBytes)],
  ['sha256', sha256],
  ...(container?.inputName ? ([['input node', container.inputName]] as Row[]) : []),
  ...(container?.workFactor === undefined
    ? []
    : ([['encryption', `age v1, scrypt 2^${container.workFactor}`]] as Row[])),
  ...(container?.payloadBytes === undefined || payload
    ? []
    : ([['content', formatBytes(container.payloadBytes)]] as Row[])),
  ...(payload
    ? ([
        ['content', `${formatNames[payload.format]}, ${formatBytes(payload.sizeBytes)}`],
        ['', `sha256 ${payload.sha256}`],
      ] as Row[])
    : []),
];

const formatNames: Readonly<Record<FileDescription['format'], string>> = {
  tlt: '.tlt, encrypted',
  etlt: '.etlt, encrypted',
  foreign: "unreadable, perhaps NVIDIA's cipher",
  onnx: 'ONNX model',
  hdf5: 'HDF5',
  uff: 'UFF graph',
  'calibration-cache': 'TensorRT calibration cache',
  histograms: 'histograms of a calibration',
  engine: 'TensorRT engine',
  'experiment-spec': 'experiment spec',
  unknown: 'unknown',
};

const contentRows = ({
  model,
  calibrationCache,
  histograms,
  hdf5,
  keras,
  spec,
  note,
}: FileDescription): Row[] => [
  ...(keras ? formatKeras(keras) : []),
  ...(keras && model ? exportedRows(model) : []),
  ...(model && !keras ? modelRows(model) : []),
  ...(calibrationCache ? cacheRows(calibrationCache) : []),
  ...(histograms ? histogramRows(histograms) : []),
  ...(hdf5 && !keras ? hdf5Rows(hdf5) : []),
  ...(spec ? formatSpec(spec) : []),
  ...(note ? ([['note', note]] as Row[]) : []),
];

const modelRows = (model: ModelDescription): Row[] => [
  ...model.inputs.map((tensor): Row => ['input', formatTensor(tensor)]),
  ...model.outputs.map((tensor): Row => ['output', formatTensor(tensor)]),
  [
    'opset',
    [
      model.opset,
      ...Object.entries(model.otherOpsets).map(([domain, version]) => `${domain} ${version}`),
    ].join(', '),
  ],
  ['made by', `${model.producer || 'unknown'} (ONNX IR ${model.irVersion})`],
  [
    'parameters',
    `${formatCount(model.parameters)}, ${formatBytes(model.dataBytes)}${model.externalData ? ' in another file' : ''}`,
  ],
  ['nodes', `${formatCount(model.nodes)}: ${formatOperators(model.operators)}`],
  ...(model.plugins ? ([['TensorRT plugins', model.plugins.join(', ')]] as Row[]) : []),
  ['QAT', model.qat ? 'yes: the graph holds quantisation scales' : 'no'],
  ...(model.quantisation ? ([['quantised', formatQuantisation(model.quantisation)]] as Row[]) : []),
];

/** Rows about the ONNX model that an export of a Keras model would produce. */
const exportedRows = (model: ModelDescription): Row[] => [
  ...model.inputs.map((tensor): Row => ['ONNX input', formatTensor(tensor)]),
  ...model.outputs.map((tensor): Row => ['ONNX output', formatTensor(tensor)]),
  [
    'ONNX graph',
    `opset ${model.opset}, ${formatCount(model.nodes)} nodes: ${formatOperators(model.operators)}`,
  ],
];

const cacheRows = ({ version, algorithm, tensors, unusable = [] }: CacheDescription): Row[] => [
  ['header', version === null ? '1 (oldest form)' : `TensorRT ${version}, ${algorithm}`],
  ['tensors', formatCount(tensors.length)],
  ...listFirst(tensors, ({ name, range }) => `${name}  ±${roundNumber(range)}`),
  ...(unusable.length === 0
    ? []
    : ([['unusable', `${formatCount(unusable.length)} more, whose scales no engine can use`]] as Row[])),
  ...listFirst(unusable, ({ name, scale }) => `${name}  scale ${scale}`),
];

const histogramRows = ({ modelSha256, samples, tensors }: HistogramDescription): Row[] => [
  ['of model', `sha256 ${modelSha256}`],
  ...samples.map((sample): Row => ['images', formatSample(sample)]),
  ['tensors', formatCount(tensors.length)],
  ...listFirst(
    tensors,
    ({ name, min, max, values }) =>
      `${name}  ${roundNumber(min)} … ${roundNumber(max)}, ${formatCount(values)} values`,
  ),
];

const formatSample = ({ images, drawn, seed, part, of }: HistogramDescription['samples'][number]): string =>
  of === 1 ? `${images}, seed ${seed}` : `${images} of ${drawn}, seed ${seed}, part ${part} of ${of}`;

/** Lists the first items, and how many more there are. */
const listFirst = <T>(items: readonly T[], text: (item: T) => string): Row[] => [
  ...items.slice(0, maxShownTensors).map((item): Row => ['', text(item)]),
  ...(items.length > maxShownTensors
    ? ([['', `… and ${items.length - maxShownTensors} more (--json shows all)`]] as Row[])
    : []),
];

const roundNumber = (value: number): number => Number(value.toPrecision(6));

const maxShownTensors = 10;

const hdf5Rows = (contents: Hdf5Contents): Row[] => {
  if (contents.kind === 'Keras')
    return [['holds', `a Keras model${formatKerasVersion(contents.kerasVersion)}`]];
  if (contents.kind === 'Other')
    return [['holds', `${contents.members.join(', ') || 'nothing'}: no tensorfile, no Keras model`]];
  return [
    ['holds', 'a tensorfile'],
    ['batches', formatCount(contents.count)],
    ...contents.firstBatch.map((array): Row => ['first batch', formatArray(array)]),
  ];
};

const formatKerasVersion = (version: string | undefined): string =>
  version === undefined ? '' : ` (Keras ${version})`;

const formatArray = ({ name, type, shape }: ArrayDescription): string =>
  `${name ? `${name}  ` : ''}${type} [${shape.join(', ')}]`;

const formatTensor = ({ name, type, shape }: TensorDescription): string =>
  `${name}  ${type ?? 'no tensor'} ${shape ? `[${shape.map((size) => size ?? '?').join(', ')}]` : 'of unknown rank'}`;

const formatOperators = (operators: Readonly<Record<string, number>>): string => {
  const entries = Object.entries(operators);
  const shown = entries.slice(0, 6).map(([name, count]) => `${count} ${name}`);
  return [...shown, ...(entries.length > 6 ? [`${entries.length - 6} other kinds`] : [])].join(', ');
};

const formatBytes = (bytes: number): string =>
  bytes < 1024 ? `${bytes} bytes` : `${formatCount(bytes)} bytes (${formatInUnits(bytes)})`;

const formatInUnits = (bytes: number): string => {
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${['bytes', 'KiB', 'MiB', 'GiB'][power]}`;
};

const formatCount = (number: number): string => number.toLocaleString('en-US');
