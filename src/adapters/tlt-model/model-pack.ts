/** `tlt-model pack` and `unpack`: a model into its encrypted file, and out of it. */
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
  cipherOf,
  keyOf,
  naming,
  pathsOf,
  type Terminal,
  usage,
  writtenFile,
} from './model-world.ts';

export const pack = async (given: Arguments<'pack'>, terminal: Terminal): Promise<void> => {
  const [file, target] = pathsOf(given, '.tlt');
  const extension = parsePath(target).ext;
  if (extension !== '.tlt' && extension !== '.etlt')
    throw usage('pack', `the output ${target} must end in .tlt or .etlt, which selects the format`);
  await refuseToOverwrite(target);
  const key = await keyOf(given.values, terminal);
  using input = await openInput(file);
  const payload = await payloadOf(file, input);
  const encrypt = extension === '.tlt' ? encryptTlt : encryptEtlt;
  const options = { cipher: cipherOf(given.values, terminal), workFactor: terminal.workFactor };
  const pieces = await encrypt(payload, key, options);
  await writeWholeFile(target, untilAborted(pieces, terminal.signal), { overwrite: false });
  terminal.print(`${await writtenFile(target)}\n`);
};

/** An ONNX as it is (its data files brought in) or a Keras HDF5. */
const payloadOf = async (file: string, input: Readable): Promise<Readable> => {
  const format = detectFileFormat(input);
  if (format === 'hdf5') return input;
  const bytes = input.whole();
  if (format !== 'onnx')
    throw noModel(file, describeZip(bytes) ?? `of another format (${format}). Name one of these two.`);
  const { model, isOneFile } = await completeModel(file, bytes);
  return readableBytes(isOneFile ? bytes : serializeModel(model));
};

const noModel = (file: string, found: string): UserError =>
  new UserError('ModelInvalid', `Packing ${file}: it is no ONNX or Keras .hdf5 model, but ${found}`);

export const unpack = async (given: Arguments<'unpack'>, terminal: Terminal): Promise<void> => {
  const { values } = given;
  const [file] = pathsOf(given, '.onnx');
  const key = await keyOf(values, terminal);
  const cipher = cipherOf(values, terminal);
  if (values.output_file !== undefined) await refuseToOverwrite(values.output_file);
  await naming(file, async () => {
    using locked = await openInput(file);
    const { content, format } = await openEncrypted(locked, key, cipher);
    verifyPayload(content); // nothing of a damaged model is written
    const [, target] = pathsOf(given, extensionOf(format));
    const pieces = untilAborted(readChunks(content), terminal.signal);
    await writeWholeFile(target, pieces, { overwrite: false, isPrivate: true });
    terminal.print(`${await writtenFile(target)}, ${format}\n`);
  });
};

const extensionOf = (format: FileFormat): string =>
  format === 'hdf5' || format === 'uff' ? `.${format}` : '.onnx';
