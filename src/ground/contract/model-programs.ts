/** The subcommands of `tlt-model`. */
import { artifactChoices } from './artifact-names.ts';
import type { FlagTable, ValuesOf } from './flag-table.ts';
import { type Program, program } from './program.ts';
import { objectStorageFlags } from './s3-flags.ts';
import { codecFlag, help, keyFileVariable, keyFlags } from './shared-flags.ts';

const outputFile = (text: string) =>
  ({
    output_file: { type: 'text', placeholder: 'FILE', aliases: ['o'], help: text },
  }) as const satisfies FlagTable;

const keyGroup = { title: 'Key', flags: ['key', 'key_file', 'codec_command'] } as const;
const cipherFlags = { ...keyFlags, ...codecFlag };
const shared = { isFromTlt: false, operands: { kind: 'files', placeholder: 'MODEL', max: 1 } } as const;

const pack = program({
  ...shared,
  name: 'tlt-model pack',
  summary: 'Encrypts an ONNX or Keras .hdf5 model.',
  flags: {
    ...outputFile('Path of the encrypted model; .tlt or .etlt selects the format. Default: MODEL with .tlt.'),
    ...cipherFlags,
    ...help,
  },
  groups: [{ title: 'Output', flags: ['output_file', 'help'] }, keyGroup],
  details: [
    'External data of an ONNX model is embedded. Both formats contain an age v1 passphrase file, so age decrypts them too: a .tlt as it is (age -d model.tlt), an .etlt without its first four bytes (tail -c +5 model.etlt | age -d).',
  ],
  examples: [
    'tlt-model pack resnet18.onnx --key_file key.txt',
    'tlt-model pack resnet18.onnx -o models/resnet18.etlt -k "$KEY"',
  ],
});

const unpack = program({
  ...shared,
  name: 'tlt-model unpack',
  summary: 'Decrypts a .tlt or .etlt.',
  flags: {
    ...outputFile(
      'Path of the decrypted model. Default: MODEL with .onnx, or .hdf5 if it contains a Keras model.',
    ),
    ...cipherFlags,
    ...help,
  },
  groups: [{ title: 'Output', flags: ['output_file', 'help'] }, keyGroup],
  details: [
    "A .tlt from TLT contains .hdf5, an .etlt from TLT .uff or .onnx. Both need --codec_command, because the key derivation of NVIDIA's cipher is not public.",
  ],
  examples: [
    'tlt-model unpack trained.tlt --key_file key.txt',
    `tlt-model unpack nvidia.tlt --key_file key.txt --codec_command '["python3", "nvidia_codec.py"]'`,
    `${keyFileVariable}=secrets/key tlt-model unpack resnet18.etlt -o plain.onnx`,
  ],
});

const convert = program({
  ...shared,
  name: 'tlt-model convert',
  summary: 'Converts a model to one .onnx file.',
  flags: {
    ...outputFile('Path of the ONNX file. Default: MODEL with .onnx.'),
    experiment_spec: {
      type: 'text',
      placeholder: 'FILE',
      aliases: ['e'],
      help: "The training's spec. A Keras model of ssd, dssd, retinanet, yolo or faster_rcnn then ends in TensorRT's plugin nodes, as tlt-export writes it; without it, the network ends as it was trained.",
    },
    padding: {
      type: 'choice',
      values: ['tlt', 'keras'],
      help: "Meaning of 'same' padding in a Keras model: TLT's Keras pads both sides equally, Keras itself puts an odd pixel at the end. Default: detected from the file (inspect shows the result).",
    },
    ...cipherFlags,
    ...help,
  },
  groups: [
    { title: 'Input', flags: ['experiment_spec', 'padding'] },
    { title: 'Output', flags: ['output_file', 'help'] },
    keyGroup,
  ],
  details: [
    "MODEL is a Keras .hdf5, an .onnx (external data is embedded), or a .tlt or .etlt that contains either; only those need the key. A Keras model becomes a graph with TLT's node names, N,C,H,W images and a free batch size. Layers of quantisation-aware training become plain layers; tlt-export writes their scales to a calibration cache. An ONNX file is smaller than 2 GiB: weights of a larger Keras model are written to FILE.data.",
  ],
  examples: [
    'tlt-model convert resnet50.hdf5',
    'tlt-model convert resnet18.tlt -o from-tlt.onnx --key_file key.txt',
  ],
});

const inspect = program({
  name: 'tlt-model inspect',
  summary: 'Describes the content of each file.',
  operands: { kind: 'files', placeholder: 'FILE', max: 10_000 },
  isFromTlt: false,
  flags: {
    json: { type: 'switch', help: 'Print one JSON object per file, each on one line.' },
    ...cipherFlags,
    ...help,
  },
  groups: [{ title: 'Output', flags: ['json', 'help'] }, keyGroup],
  details: [
    'Known formats: .tlt, .etlt, .onnx, Keras .hdf5, calibration caches, histograms, tensorfiles, experiment specs and TensorRT engines, detected by content. Without the key, only size and format of an encrypted model are shown. For a Keras model, the exported network is shown too; for an experiment spec, the settings of the data loader.',
  ],
  examples: [
    'tlt-model inspect model.onnx cal.bin calibration.tensor',
    'tlt-model inspect spec.txt',
    'tlt-model inspect --json --key_file key.txt model.etlt | jq .model.inputs',
    'tlt-model inspect --json cal.bin | jq .calibrationCache.tensors',
  ],
});

const mergeHistograms = program({
  name: 'tlt-model merge-histograms',
  summary: 'Adds the histograms of the parts of a calibration.',
  operands: { kind: 'files', placeholder: 'FILE', max: 10_000 },
  isFromTlt: false,
  flags: {
    output_file: {
      type: 'text',
      placeholder: 'FILE',
      aliases: ['o'],
      required: true,
      help: 'Path of the merged histograms.',
    },
    ...help,
  },
  groups: [{ title: 'Output', flags: ['output_file', 'help'] }],
  details: [
    'Each FILE comes from tlt-export --cal_histogram_file with the same model. Counts are integers, so the sum of all parts equals one pass over all images bit for bit. Files that count the same images are refused.',
  ],
  examples: [
    'tlt-export classification -m resnet18.onnx --key_file key.txt --data_type int8 --cal_image_dir images/ \\',
    '    --cal_part 1/2 --cal_histogram_file 1.hist    # and 2/2, perhaps on another machine',
    'tlt-model merge-histograms 1.hist 2.hist -o all.hist',
    'tlt-export classification -m resnet18.onnx --key_file key.txt --data_type int8 \\',
    '    --cal_histogram_file all.hist --cal_cache_file merged.bin -o merged.etlt',
  ],
});

const fetch = program({
  name: 'tlt-model fetch',
  summary: 'Copies an artifact of a ModelExport, or of a tool, and checks its digest.',
  operands: { kind: 'files', placeholder: 'SOURCE', max: 1 },
  isFromTlt: false,
  flags: {
    class: {
      type: 'text',
      placeholder: 'CLASS',
      help: 'The engine of this device class, below the export folder SOURCE.',
    },
    what: {
      type: 'choice',
      values: artifactChoices,
      help: 'Which artifact of the folder. Default: the engine of an engine folder, and the .etlt of an export folder.',
    },
    digest: {
      type: 'text',
      placeholder: 'DIGEST',
      help: 'Required digest: sha256: and 64 hex digits. Default: the digest in the manifest.json of the folder.',
    },
    output_file: {
      type: 'text',
      placeholder: 'PATH',
      aliases: ['o'],
      required: true,
      help: 'Path of the copy. A folder, or a path that ends in /, keeps the stored names.',
    },
    ...objectStorageFlags,
    ...help,
  },
  groups: [
    { title: 'Input', flags: ['class', 'what', 'digest'] },
    { title: 'Object storage', flags: ['s3_endpoint', 's3_region', 's3_credentials', 's3_ca'] },
    { title: 'Output', flags: ['output_file', 'help'] },
  ],
  details: [
    'SOURCE is the folder of an export or of an engine, where the claim is mounted or as s3://, or one file. The manifest.json of the folder lists size and digest of each file. It is in the same storage: only --digest, copied from status, also detects a file that was replaced together with its manifest. If several engines of a class are stored, --digest chooses one.',
    'Copies appear complete or not at all. A copy that exists with the right digest is kept, so an init container can run again.',
  ],
  examples: [
    'tlt-model fetch /mnt/models/exports/4be6d0c6bd2cb7a5 --class ampere -o /engines/model.plan',
    'tlt-model fetch /mnt/models/exports/4be6d0c6bd2cb7a5 --what all -o copies/',
    'tlt-model fetch s3://exports/4be6d0c6bd2cb7a5 --s3_endpoint https://minio:9000 --s3_credentials keys -o copy.etlt',
  ],
});

const tritonRepository = program({
  name: 'tlt-model triton-repository',
  summary:
    'Makes a model of a Triton model repository from engines of one network, one per compute capability.',
  operands: { kind: 'files', placeholder: 'DESCRIPTION', max: 64 },
  isFromTlt: false,
  flags: {
    output_folder: {
      type: 'text',
      placeholder: 'FOLDER',
      aliases: ['o'],
      required: true,
      help: 'New folder of the model, for example models/detector; its name is the name of the model in Triton.',
    },
    ...help,
  },
  groups: [{ title: 'Output', flags: ['output_folder', 'help'] }],
  details: [
    'DESCRIPTION is the file ENGINE.deployment.json next to an engine of a ModelExport, or of a tool with --deployment. The digest of each engine is checked while it is copied. config.pbtxt maps each compute capability to its engine; a GPU of another capability gets none. The folder appears when it is complete.',
  ],
  examples: [
    'tlt-model triton-repository -o models/detector t4/model.deployment.json a10/model.deployment.json',
  ],
});

/** Subcommand → its program. */
export const modelPrograms = {
  pack,
  unpack,
  convert,
  inspect,
  'merge-histograms': mergeHistograms,
  fetch,
  'triton-repository': tritonRepository,
} as const;

export type ModelCommand = keyof typeof modelPrograms;
/** Names of all subcommands. */
export const modelCommands = Object.keys(modelPrograms) as readonly ModelCommand[];

/** Parsed flags of one subcommand. */
export type ModelValues<C extends ModelCommand> =
  (typeof modelPrograms)[C] extends Program<infer T> ? ValuesOf<T> : never;
