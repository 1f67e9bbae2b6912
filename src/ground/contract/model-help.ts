/** The help of `tlt-model`, taught by examples. */
import { keyFileVariable } from './shared-flags.ts';

const keyHelp = `The key, from the first of these that is given:
  -k, --key KEY          the key itself (other users of the machine can see it in the process list)
  --key_file FILE        a file that holds the key; a newline at its end is not part of it
  ${keyFileVariable}           environment variable with the name of such a file`;

const codecHelp = `A cipher in place of age, for NVIDIA's own files (docs/external-codec.md):
  --codec_command COMMAND  program that encrypts and decrypts: its path, or a JSON array of words`;

export const modelHelps = {
  'tlt-model': `tlt-model: makes, opens and looks into encrypted models.

  tlt-model pack MODEL       encrypts an ONNX or Keras .hdf5 model as .tlt or .etlt
  tlt-model unpack MODEL     decrypts a .tlt or .etlt
  tlt-model convert MODEL    turns any of these models, Keras ones included, into one .onnx file
  tlt-model inspect FILE...  tells what is in a model, calibration cache, tensorfile, spec or engine
  tlt-model merge-histograms FILE... -o FILE
                             adds what the parts of a calibration counted

Each has its own --help. Nothing is ever overwritten, and a file appears whole or not at all.

Examples:
  tlt-model pack resnet18.onnx --key_file key.txt
  tlt-model unpack resnet18.etlt -o resnet18.onnx --key_file key.txt
  tlt-model convert resnet18.hdf5
  tlt-model inspect --json cal.bin | jq .calibrationCache.tensors
`,
  pack: `tlt-model pack MODEL [-o FILE] [key]: encrypts an ONNX or Keras .hdf5 model.

  -o, --output_file FILE   ends in .tlt or .etlt, which says what to make; default: MODEL with .tlt
${keyHelp}
${codecHelp}

External data of an ONNX model is brought in. Both forms hold an age v1 passphrase file, so age opens them too:
a .tlt as it is (age -d model.tlt), an .etlt after its first four bytes (tail -c +5 model.etlt | age -d).

Examples:
  tlt-model pack resnet18.onnx --key_file key.txt
  tlt-model pack resnet18.onnx -o /models/resnet18.etlt -k "$KEY"
`,
  unpack: `tlt-model unpack MODEL [-o FILE] [key]: decrypts a .tlt or .etlt.

  -o, --output_file FILE   default: MODEL with .onnx, or .hdf5 if that is what is inside
${keyHelp}
${codecHelp}

A .tlt of real TLT holds .hdf5, an .etlt of it .uff or .onnx; both need a codec, because the key derivation of
NVIDIA's cipher is not public.

Examples:
  tlt-model unpack resnet18.tlt --key_file key.txt
  tlt-model unpack nvidia.tlt --key_file key.txt --codec_command '["python3", "nvidia_codec.py"]'
  ${keyFileVariable}=/run/secrets/key tlt-model unpack resnet18.etlt -o resnet18.onnx
`,
  convert: `tlt-model convert MODEL [-o FILE] [-e SPEC] [--padding tlt|keras] [key]: turns a model into one .onnx file.

  -o, --output_file FILE   default: MODEL with .onnx
  -e, --experiment_spec F  the training's spec: a Keras model of ssd, dssd, retinanet, yolo or faster_rcnn then ends in
                           TensorRT's plugin nodes, as tlt-export ends it; without it, as it was trained
  --padding tlt|keras      whose 'same' padding a Keras model has. TLT's Keras pads alike on both sides, Keras itself
                           puts an odd pixel at the end. Default: judged by the file (inspect tells the judgement)
${keyHelp}
${codecHelp}

MODEL is a Keras .hdf5, an .onnx (its external data is brought in), or a .tlt or .etlt with either; only those need the
key. A Keras model becomes a graph with TLT's node names, images as N,C,H,W, and any batch; layers of
quantisation-aware training become plain ones (tlt-export makes a calibration cache of their scales). One ONNX file holds
less than 2 GiB: weights of a larger Keras model go to FILE.data beside it.

Examples:
  tlt-model convert resnet18.hdf5
  tlt-model convert resnet18.tlt -o resnet18.onnx --key_file key.txt
`,
  inspect: `tlt-model inspect FILE... [--json] [key]: tells what is in each file.

  --json                   one JSON object a line and file
${keyHelp}
${codecHelp}

Known: .tlt, .etlt, .onnx, Keras .hdf5, calibration caches, histograms, tensorfiles, experiment specs, TensorRT engines;
judged by content, not by name. A locked model without the key tells its size and form only. Of a Keras model also what
would be exported, of an experiment spec what the data loader will do.

Examples:
  tlt-model inspect model.onnx cal.bin calibration.tensor
  tlt-model inspect spec.txt
  tlt-model inspect --json --key_file key.txt model.etlt | jq .model.inputs
`,
  'merge-histograms': `tlt-model merge-histograms FILE... -o FILE: adds what the parts of a calibration counted.

  -o, --output_file FILE   where the sum goes

Each FILE comes from tlt-export --cal_histogram_file, of the same model. Counts are whole numbers, so the sum of all
parts is bit for bit what one pass over all images finds. Files that hold the same images are refused.

Examples:
  tlt-export classification -m resnet18.onnx --key_file key.txt --data_type int8 --cal_image_dir images/ \\
      --cal_part 1/2 --cal_histogram_file 1.hist                      # and 2/2, perhaps on another machine
  tlt-model merge-histograms 1.hist 2.hist -o all.hist
  tlt-export classification -m resnet18.onnx --key_file key.txt --data_type int8 --cal_histogram_file all.hist
`,
} as const;
