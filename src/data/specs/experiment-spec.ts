/**
 * Parses an experiment spec and returns what exports, calibrations and tensorfiles need from it. All errors are reported at
 * once, with their positions.
 */
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import { readClassification } from './classification.ts';
import { decodeMessage } from './decode.ts';
import { readDetectnet } from './detectnet.ts';
import { readFasterRcnn } from './faster-rcnn.ts';
import { specError } from './issues.ts';
import { Notes } from './notes.ts';
import type { ExperimentSpec, ReadSpec } from './read-spec.ts';
import { type Recognised, recogniseSpec } from './recognise.ts';
import type { MessageType, MessageValue } from './schema.ts';
import { classificationSchema } from './schemas/classification.ts';
import { dssdSchema, retinanetSchema, ssdSchema, yoloSchema } from './schemas/detection.ts';
import { detectnetSchema } from './schemas/detectnet.ts';
import { fasterRcnnSchema } from './schemas/faster-rcnn.ts';
import { readDssd, readRetinanet, readSsd } from './ssd-family.ts';
import { parseTextTree, type TextMessage } from './text-tree.ts';
import { maxTextLength, SyntaxFault } from './tokens.ts';
import { readYolo } from './yolo.ts';

/** Schema of a module, and its reader. */
type SpecKind = {
  readonly schema: MessageType;
  readonly read: (tree: TextMessage, notes: Notes) => ReadSpec;
};

const kind = <T extends MessageType>(
  schema: T,
  read: (spec: MessageValue<T>, notes: Notes) => ReadSpec,
): SpecKind => ({ schema, read: (tree, notes) => read(decodeMessage(tree, schema, notes), notes) });

const kinds: Readonly<Record<Architecture, SpecKind>> = {
  classification: kind(classificationSchema, readClassification),
  detectnet_v2: kind(detectnetSchema, readDetectnet),
  ssd: kind(ssdSchema, readSsd),
  dssd: kind(dssdSchema, readDssd),
  retinanet: kind(retinanetSchema, readRetinanet),
  yolo: kind(yoloSchema, readYolo),
  faster_rcnn: kind(fasterRcnnSchema, readFasterRcnn),
};

/** Reads and parses a spec file. @throws UserError InputNotFound, SpecInvalid */
export const readExperimentSpec = async (file: string, architecture: Architecture): Promise<ExperimentSpec> =>
  parseExperimentSpec(await readSpecText(file), { file, architecture });

/** Where a spec text comes from, and for which module it is parsed. */
export type SpecFile = {
  /** Name of the file in messages. */
  readonly file: string;
  /** Detected from the spec if undefined. */
  readonly architecture: Architecture | undefined;
};

/** Parses the text of a spec. @throws UserError SpecInvalid listing all errors */
export const parseExperimentSpec = (text: string, { file, architecture }: SpecFile): ExperimentSpec => {
  const tree = parseTree(text, file);
  const found = recogniseSpec(tree);
  const wanted = architecture ?? found?.architecture;
  if (wanted === undefined) throw unknownModule(file);
  if (found && found.architecture !== wanted) throw wrongModule(file, wanted, found);
  requireKnownField(tree, kinds[wanted].schema, file);
  const notes = new Notes();
  const { plan, ...read } = kinds[wanted].read(tree, notes);
  const settings = notes.issues.length;
  const loader = plan(notes);
  if (settings > 0) throw specError(file, notes.issues);
  return {
    architecture: wanted,
    ...read,
    unneeded: notes.unneeded(),
    loader: () => {
      if (loader === undefined || notes.issues.length > 0) throw specError(file, notes.issues);
      return loader;
    },
  };
};

const parseTree = (text: string, file: string): TextMessage => {
  try {
    return parseTextTree(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxFault)) throw thrown;
    throw specError(file, [{ ...thrown.place, path: '', what: thrown.message }]);
  }
};

/**
 * A file without any known field is not a spec. Its unknown fields must not be reported: their names may be confidential.
 */
const requireKnownField = ({ fields }: TextMessage, schema: MessageType, file: string): void => {
  if (fields.length === 0 || fields.some(({ name }) => Object.hasOwn(schema.fields, name))) return;
  throw new UserError(
    'SpecInvalid',
    `Reading the experiment spec ${file}: it has no field of a spec (${Object.keys(schema.fields).join(', ')}). Use the spec that this model was trained with.`,
  );
};

const unknownModule = (file: string): UserError =>
  new UserError(
    'SpecInvalid',
    `Reading the experiment spec ${file}: cannot detect its module from its fields. Check that it is a spec of classification, detectnet_v2, ssd, dssd, retinanet, yolo or faster_rcnn.`,
  );

const wrongModule = (file: string, wanted: Architecture, { architecture, by, path }: Recognised): UserError =>
  new UserError(
    'SpecInvalid',
    `Reading the experiment spec ${file}: it is a spec of ${architecture} (${file}:${by.line}:${by.column} has ${path}), but a spec of ${wanted} is required. Use the spec that this model was trained with, or the module ${architecture}.`,
  );

/**
 * Reads the text of a spec file. `file`: its name in messages, if not the path. @throws UserError InputNotFound, SpecInvalid
 */
export const readSpecText = async (path: string, file: string = path): Promise<string> => {
  const doing = `Reading the experiment spec ${file}`;
  const bytes = readSpecBytes(path, doing);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(
      'SpecInvalid',
      `${doing}: it is not UTF-8 text. Use the experiment spec of the training.`,
    );
  }
};

const openSpec = (path: string, doing: string): Readable & Disposable => {
  try {
    return openReadable(path);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const why = systemCodeOf(thrown) === 'ENOENT' ? 'the file does not exist' : messageOf(thrown);
    throw new UserError('InputNotFound', `${doing}: ${why}. Check the path.`, { cause: thrown });
  }
};

/** Checks the size first, so that a model passed by mistake is not read. */
const readSpecBytes = (path: string, doing: string): Uint8Array => {
  using file = openSpec(path, doing);
  const { size } = file;
  if (size <= 4 * maxTextLength) return file.whole();
  throw new UserError(
    'SpecInvalid',
    `${doing}: it has ${size} bytes, too many for a spec. Use the experiment spec of the training.`,
  );
};
