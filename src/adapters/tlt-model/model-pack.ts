/** `tlt-model pack` and `unpack`: encrypt and decrypt a model. */
import { parse as parsePath } from 'node:path';
import { describeZip } from '../../export/models/zipped-model.ts';
import { verifyPayload } from '../../formats/crypto/age-chunks.ts';
import { detectFileFormat, type FileFormat } from '../../formats/crypto/detect-format.ts';
import { encryptEtlt, encryptTlt, openEncrypted } from '../../formats/crypto/encrypted-model.ts';
import { completeModel, serializeModel } from '../../formats/onnx/model.ts';
import { UserError } from '../../ground/base/errors.ts';
import { type Readable, readableBytes, readChunks, untilAborted } from '../../ground/base/readable.ts';
import { refuseToOverwrite, writeWholeFile } from '../../ground/base/whole-file.ts';
import { openInput } from '../cli/input-file.ts';
import {
  type Arguments,
  describeFile,
  type ModelToolContext,
  makeCipher,
  readKeyFlags,
  resolvePaths,
  subcommandUsage,
  withFileName,
} from './model-context.ts';

/** Runs `tlt-model pack`. @throws UserError with the reason that determines the exit code */
export const pack = async (given: Arguments<'pack'>, context: ModelToolContext): Promise<void> => {
  const [file, target] = resolvePaths(given, '.tlt');
  const extension = parsePath(target).ext;
  if (extension !== '.tlt' && extension !== '.etlt')
    throw subcommandUsage('pack', `the output ${target} must end in .tlt or .etlt, which selects the format`);
  await refuseToOverwrite(target);
  const key = await readKeyFlags(given.values, context);
  using input = await openInput(file);
  const payload = await readPayload(file, input);
  const encrypt = extension === '.tlt' ? encryptTlt : encryptEtlt;
  const options = { cipher: makeCipher(given.values, context), workFactor: context.workFactor };
  const pieces = await encrypt(payload, key, options);
  await writeWholeFile(target, untilAborted(pieces, context.signal), { overwrite: false });
  context.print(`${await describeFile(target)}\n`);
};

/** Reads an ONNX model, with its external data embedded, or a Keras HDF5 file. */
const readPayload = async (file: string, input: Readable): Promise<Readable> => {
  const format = detectFileFormat(input);
  if (format === 'hdf5') return input;
  const bytes = input.whole();
  if (format !== 'onnx') throw notPackable(file, describeZip(bytes) ?? `of the format ${format}.`);
  const { model, isOneFile } = await completeModel(file, bytes);
  return readableBytes(isOneFile ? bytes : serializeModel(model));
};

const notPackable = (file: string, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Packing ${file}: only an ONNX or a Keras .hdf5 model can be packed, and this is ${found}`,
  );

/** Runs `tlt-model unpack`. @throws UserError with the reason that determines the exit code */
export const unpack = async (given: Arguments<'unpack'>, context: ModelToolContext): Promise<void> => {
  const { values } = given;
  const [file] = resolvePaths(given, '.onnx');
  const key = await readKeyFlags(values, context);
  const cipher = makeCipher(values, context);
  if (values.output_file !== undefined) await refuseToOverwrite(values.output_file);
  await withFileName(file, async () => {
    using locked = await openInput(file);
    const { content, format } = await openEncrypted(locked, key, cipher);
    verifyPayload(content); // Before anything is written: a damaged model leaves no output.
    const [, target] = resolvePaths(given, extensionOf(format));
    const pieces = untilAborted(readChunks(content), context.signal);
    await writeWholeFile(target, pieces, { overwrite: false, isPrivate: true });
    context.print(`${await describeFile(target)}, ${format}\n`);
  });
};

const extensionOf = (format: FileFormat): string =>
  format === 'hdf5' || format === 'uff' ? `.${format}` : '.onnx';
