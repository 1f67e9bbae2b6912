/** `tlt-model pack | unpack | convert | inspect | merge-histograms`: the tool's words. Bytes are dealt with in formats/, looking in inspect.ts. */
import { stat } from 'node:fs/promises';
import { join, parse as parsePath } from 'node:path';
import { fileDigest, sha256 } from '../base/digest.ts';
import { UserError } from '../base/errors.ts';
import { refuseToOverwrite, writeWholeFile } from '../base/whole-file.ts';
import { mergedHistograms } from '../calibration/merged-histograms.ts';
import { detectorWish } from '../checkpoints/keras-detector.ts';
import { findKey, readKey } from '../checkpoints/key.ts';
import { readContent } from '../checkpoints/model-content.ts';
import { zipNote } from '../checkpoints/zipped-model.ts';
import { externalCodec } from '../codec/codec.ts';
import { modelHelps } from '../contract/model-help.ts';
import { readHistograms } from '../exporting/histograms.ts';
import { proveWhole } from '../formats/age-pieces.ts';
import { type FileFormat, formatIn } from '../formats/detect-format.ts';
import { type Cipher, encryptEtlt, encryptTlt, openEncrypted } from '../formats/encrypted-model.ts';
import { writeHistogramFile } from '../formats/histogram-file.ts';
import { completed, serializeModel } from '../formats/onnx/model.ts';
import { piecesOf, type Readable, readableBytes } from '../formats/readable.ts';
import type { ImportWish } from '../keras/import.ts';
import { parseExperimentSpec, readSpecText } from '../specs/experiment-spec.ts';
import { openInput } from './input-file.ts';
import { inspectFile, type Opener, type Report } from './inspect.ts';
import { reportText } from './inspect-text.ts';
import { paddingNames } from './keras-text.ts';
import { commandNames, parseWords, usage, type Words } from './model-words.ts';
import { writeOnnx } from './onnx-file.ts';

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  readonly print: (text: string) => void;
  /** Standard error. */
  readonly complain: (text: string) => void;
  readonly signal: AbortSignal;
};

/**
 * Runs `tlt-model` with the arguments after its name.
 * @throws UserError with the reason that becomes the exit status
 */
export const runModelCommand = async (argv: readonly string[], terminal: Terminal): Promise<void> => {
  const [name, ...rest] = argv;
  if (name === undefined) throw usage(`say what to do: ${commandNames.join(', ')}`);
  if (name === '-h' || name === '--help' || name === 'help') return terminal.print(modelHelps['tlt-model']);
  const known = commandNames.find((each) => each === name);
  if (!known) throw usage(`'${name}' is not one of ${commandNames.join(', ')}`);
  const words = parseWords(known, rest);
  if (words.help) return terminal.print(modelHelps[known]);
  await commands[known](words, terminal);
};

const pack = async (words: Words, terminal: Terminal): Promise<void> => {
  const [file, target] = placesOf('pack', words, '.tlt');
  const extension = parsePath(target).ext;
  if (extension !== '.tlt' && extension !== '.etlt')
    throw usage(`the output ${target} must end in .tlt or .etlt, which says what to make`, 'pack');
  await refuseToOverwrite(target);
  const key = await keyOf(words, terminal);
  using input = await openInput(file);
  const payload = await payloadOf(file, input);
  const encrypt = extension === '.tlt' ? encryptTlt : encryptEtlt;
  const pieces = await encrypt(payload, key, { cipher: cipherOf(words, terminal) });
  await writeWholeFile(target, pieces, { overwrite: false });
  terminal.print(`${await writtenFile(target)}\n`);
};

/** An ONNX as it is (its data files brought in) or a Keras HDF5. */
const payloadOf = async (file: string, input: Readable): Promise<Readable> => {
  const format = formatIn(input);
  if (format === 'hdf5') return input;
  const bytes = input.whole();
  if (format !== 'onnx')
    throw noModel(file, zipNote(bytes) ?? `of another format (${format}). Name one of these two.`);
  const { model, isOneFile } = await completed(file, bytes);
  return readableBytes(isOneFile ? bytes : serializeModel(model));
};

const noModel = (file: string, found: string): UserError =>
  new UserError('ModelInvalid', `Packing ${file}: it is no ONNX or Keras .hdf5 model, but ${found}`);

const unpack = async (words: Words, terminal: Terminal): Promise<void> => {
  const [file] = placesOf('unpack', words, '.onnx');
  const key = await keyOf(words, terminal);
  const cipher = cipherOf(words, terminal);
  if (words.output !== undefined) await refuseToOverwrite(words.output);
  await naming(file, async () => {
    using locked = await openInput(file);
    const { content } = await openEncrypted(locked, key, cipher);
    proveWhole(content); // nothing of a damaged model comes to lie on the disk
    const format = formatIn(content);
    const [, target] = placesOf('unpack', words, extensionOf(format));
    await writeWholeFile(target, piecesOf(content), { overwrite: false });
    terminal.print(`${await writtenFile(target)}, ${format}\n`);
  });
};

const extensionOf = (format: FileFormat): string =>
  format === 'hdf5' || format === 'uff' ? `.${format}` : '.onnx';

const convert = async (words: Words, terminal: Terminal): Promise<void> => {
  const [path, target] = placesOf('convert', words, '.onnx');
  await refuseToOverwrite(target);
  const key = () => keyOf(words, terminal);
  const cipher = cipherOf(words, terminal);
  const content = await naming(path, () =>
    readContent({
      path,
      key,
      cipher,
      keras: async () => ({ ...(await endOf(words)), dialect: words.padding }),
    }),
  );
  await writeOnnx(target, content);
  const { keras } = content;
  const from = keras
    ? `, of ${keras.layers.length} Keras layers with ${paddingNames[keras.dialect]} padding`
    : '';
  const beside = content.payload ? '' : `, weights in ${target}.data`;
  terminal.print(`${await writtenFile(target)}${from}${beside}\n`);
};

/** The spec tells the module, and with it how the graph ends; without it a model ends as it was trained. */
const endOf = async ({ spec: file }: Words): Promise<ImportWish> => {
  if (file === undefined) return {};
  const spec = parseExperimentSpec(await readSpecText(file), { file, architecture: undefined });
  return detectorWish(spec.architecture, spec);
};

const keyOf = (words: Words, { env }: Terminal): Promise<string> =>
  readKey({ key: words.key, keyFile: words.keyFile, env });

/** Undefined: age. */
const cipherOf = ({ codec: command }: Words, { complain, signal }: Terminal): Cipher | undefined =>
  command && externalCodec({ command, signal, warn: (line) => complain(`tlt-model: ${line}\n`) });

const inspect = async (words: Words, terminal: Terminal): Promise<void> => {
  const { env, print, complain } = terminal;
  if (words.files.length === 0) throw usage('name at least one file', 'inspect');
  const key = await findKey({ key: words.key, keyFile: words.keyFile, env });
  const cipher = cipherOf(words, terminal);
  let failure: UserError | undefined;
  for (const file of words.files) {
    const found = await lookInto(file, { key, cipher });
    if (!(found instanceof UserError)) {
      print(words.json ? `${JSON.stringify(found)}\n` : `${reportText(found)}\n`);
      continue;
    }
    if (failure) complain(`tlt-model: ${failure.message}\n`);
    failure = found; // the other files are still told about; the last failure is the tool's
  }
  if (failure) throw failure;
};

const lookInto = (file: string, opener: Opener): Promise<Report | UserError> =>
  naming(file, () => inspectFile(file, opener)).catch((thrown: unknown) => {
    if (thrown instanceof UserError) return thrown;
    throw thrown;
  });

/** Puts the file's name before an error that speaks of bytes only. */
const naming = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.message.includes(file)) throw thrown;
    throw new UserError(thrown.reason, `${file}: ${thrown.message}`, { cause: thrown });
  }
};

const mergeHistograms = async ({ files, output }: Words, { print }: Terminal): Promise<void> => {
  if (files.length === 0) throw usage('name at least one file', 'merge-histograms');
  if (output === undefined) throw usage('say by -o where the sum goes', 'merge-histograms');
  await refuseToOverwrite(output);
  const named = await Promise.all(files.map(async (name) => ({ name, content: await readHistograms(name) })));
  const bytes = writeHistogramFile(mergedHistograms(named));
  await writeWholeFile(output, bytes, { overwrite: false });
  print(`${written(output, bytes)}\n`);
};

const commands = { pack, unpack, convert, inspect, 'merge-histograms': mergeHistograms };

/** The one input, and the output: `-o`, or the input's name with another extension in its own folder. */
const placesOf = (
  name: 'pack' | 'unpack' | 'convert',
  { files, output: given }: Words,
  extension: string,
) => {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) throw usage(`name one model, not ${files.length}`, name);
  const { dir, name: stem } = parsePath(file);
  return [file, given ?? join(dir, `${stem}${extension}`)] as const;
};

const writtenFile = async (target: string): Promise<string> =>
  `${target}: ${(await stat(target)).size} bytes, sha256 ${await fileDigest(target)}`;

const written = (target: string, bytes: Uint8Array): string =>
  `${target}: ${bytes.length} bytes, sha256 ${sha256(bytes)}`;
