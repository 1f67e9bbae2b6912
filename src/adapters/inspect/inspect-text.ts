/** A report of `tlt-model inspect` as a person reads it. */
import type { ArrayDescription, Hdf5Contents } from '../../formats/hdf5/hdf5-contents.ts';
import { printable } from '../../ground/base/printable.ts';
import type { ModelDescription, TensorDescription } from './describe-model.ts';
import type { CacheDescription, HistogramDescription, Report } from './inspect.ts';
import { kerasRows } from './keras-text.ts';
import { quantisationText } from './quantisation-text.ts';
import { specRows } from './spec-text.ts';

type Row = readonly [label: string, value: string];

/** A heading with the file's name, then one line a fact. */
export const reportText = (report: Report): string => {
  const rows = [...fileRows(report), ...contentRows(report)];
  const width = rows.reduce((most, [label]) => Math.max(most, label.length), 0);
  return [
    printable(report.file),
    ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`),
  ].join('\n');
};

const fileRows = ({ format, sizeBytes, sha256, container, payload }: Report): Row[] => [
  ['format', formatNames[format]],
  ['size', bytesText(sizeBytes)],
  ['sha256', sha256],
  ...(container?.inputName ? ([['input node', container.inputName]] as Row[]) : []),
  ...(container?.workFactor === undefined
    ? []
    : ([['locked by', `age v1, scrypt 2^${container.workFactor}`]] as Row[])),
  ...(container?.payloadBytes === undefined || payload
    ? []
    : ([['inside', bytesText(container.payloadBytes)]] as Row[])),
  ...(payload
    ? ([
        ['inside', `${formatNames[payload.format]}, ${bytesText(payload.sizeBytes)}`],
        ['', `sha256 ${payload.sha256}`],
      ] as Row[])
    : []),
];

const formatNames: Readonly<Record<Report['format'], string>> = {
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

const contentRows = ({ model, calibrationCache, histograms, hdf5, keras, spec, note }: Report): Row[] => [
  ...(keras ? kerasRows(keras) : []),
  ...(keras && model ? exportedRows(model) : []),
  ...(model && !keras ? modelRows(model) : []),
  ...(calibrationCache ? cacheRows(calibrationCache) : []),
  ...(histograms ? histogramRows(histograms) : []),
  ...(hdf5 && !keras ? hdf5Rows(hdf5) : []),
  ...(spec ? specRows(spec) : []),
  ...(note ? ([['note', note]] as Row[]) : []),
];

const modelRows = (model: ModelDescription): Row[] => [
  ...model.inputs.map((tensor): Row => ['input', tensorText(tensor)]),
  ...model.outputs.map((tensor): Row => ['output', tensorText(tensor)]),
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
    `${grouped(model.parameters)}, ${bytesText(model.dataBytes)}${model.externalData ? ' in another file' : ''}`,
  ],
  ['nodes', `${grouped(model.nodes)}: ${operatorsText(model.operators)}`],
  ...(model.plugins ? ([['TensorRT plugins', model.plugins.join(', ')]] as Row[]) : []),
  ['QAT', model.qat ? 'yes: the graph holds quantisation scales' : 'no'],
  ...(model.quantisation ? ([['quantised', quantisationText(model.quantisation)]] as Row[]) : []),
];

/** Of the ONNX that a Keras model would be exported as. */
const exportedRows = (model: ModelDescription): Row[] => [
  ...model.inputs.map((tensor): Row => ['exports input', tensorText(tensor)]),
  ...model.outputs.map((tensor): Row => ['output', tensorText(tensor)]),
  ['as ONNX', `opset ${model.opset}, ${grouped(model.nodes)} nodes: ${operatorsText(model.operators)}`],
];

const cacheRows = ({ version, algorithm, tensors, unusable = [] }: CacheDescription): Row[] => [
  ['header', version === null ? '1 (oldest form)' : `TensorRT ${version}, ${algorithm}`],
  ['tensors', grouped(tensors.length)],
  ...firstOf(tensors, ({ name, range }) => `${name}  ±${shortNumber(range)}`),
  ...(unusable.length === 0
    ? []
    : ([['unusable', `${grouped(unusable.length)} more, which cannot be int8 by this cache`]] as Row[])),
  ...firstOf(unusable, ({ name, scale }) => `${name}  scale ${scale}`),
];

const histogramRows = ({ modelSha256, samples, tensors }: HistogramDescription): Row[] => [
  ['of model', `sha256 ${modelSha256}`],
  ...samples.map((sample): Row => ['images', sampleText(sample)]),
  ['tensors', grouped(tensors.length)],
  ...firstOf(
    tensors,
    ({ name, min, max, values }) =>
      `${name}  ${shortNumber(min)} … ${shortNumber(max)}, ${grouped(values)} values`,
  ),
];

const sampleText = ({ images, drawn, seed, part, of }: HistogramDescription['samples'][number]): string =>
  of === 1 ? `${images}, seed ${seed}` : `${images} of ${drawn}, seed ${seed}, part ${part} of ${of}`;

/** As many as a person reads. */
const firstOf = <T>(items: readonly T[], text: (item: T) => string): Row[] => [
  ...items.slice(0, shownTensors).map((item): Row => ['', text(item)]),
  ...(items.length > shownTensors
    ? ([['', `… and ${items.length - shownTensors} more (--json shows all)`]] as Row[])
    : []),
];

const shortNumber = (value: number): number => Number(value.toPrecision(6));

const shownTensors = 10;

const hdf5Rows = (contents: Hdf5Contents): Row[] => {
  if (contents.kind === 'Keras') return [['holds', `a Keras model${versionText(contents.kerasVersion)}`]];
  if (contents.kind === 'Other')
    return [['holds', `${contents.members.join(', ') || 'nothing'}: no tensorfile, no Keras model`]];
  return [
    ['holds', 'a tensorfile'],
    ['batches', grouped(contents.count)],
    ...contents.firstBatch.map((array): Row => ['first batch', arrayText(array)]),
  ];
};

const versionText = (version: string | undefined): string =>
  version === undefined ? '' : ` (Keras ${version})`;

const arrayText = ({ name, type, shape }: ArrayDescription): string =>
  `${name ? `${name}  ` : ''}${type} [${shape.join(', ')}]`;

const tensorText = ({ name, type, shape }: TensorDescription): string =>
  `${name}  ${type ?? 'no tensor'} ${shape ? `[${shape.map((size) => size ?? '?').join(', ')}]` : 'of unknown rank'}`;

const operatorsText = (operators: Readonly<Record<string, number>>): string => {
  const entries = Object.entries(operators);
  const shown = entries.slice(0, 6).map(([name, count]) => `${count} ${name}`);
  return [...shown, ...(entries.length > 6 ? [`${entries.length - 6} other kinds`] : [])].join(', ');
};

const bytesText = (bytes: number): string =>
  bytes < 1024 ? `${bytes} bytes` : `${grouped(bytes)} bytes (${sizeInUnits(bytes)})`;

const sizeInUnits = (bytes: number): string => {
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${['bytes', 'KiB', 'MiB', 'GiB'][power]}`;
};

const grouped = (number: number): string => number.toLocaleString('en-US');
