/**
 * An experiment spec: text in; what exports, calibrations and tensorfiles take from it out. Whatever is wrong with it is
 * told at once, with places.
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
import type { MessageType, ValueOf } from './schema.ts';
import { classificationSchema } from './schemas/classification.ts';
import { dssdSchema, retinanetSchema, ssdSchema, yoloSchema } from './schemas/detection.ts';
import { detectnetSchema } from './schemas/detectnet.ts';
import { fasterRcnnSchema } from './schemas/faster-rcnn.ts';
import { readDssd, readRetinanet, readSsd } from './ssd-family.ts';
import { parseTextTree, type TextMessage } from './text-tree.ts';
import { longestText, SyntaxFault } from './tokens.ts';
import { readYolo } from './yolo.ts';

/** A module's table, and what is made of its values. */
type SpecKind = {
  readonly schema: MessageType;
  readonly read: (tree: TextMessage, notes: Notes) => ReadSpec;
};

const kind = <T extends MessageType>(
  schema: T,
  read: (spec: ValueOf<T>, notes: Notes) => ReadSpec,
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

/** @throws UserError InputNotFound, SpecInvalid */
export const readExperimentSpec = async (file: string, architecture: Architecture): Promise<ExperimentSpec> =>
  parseExperimentSpec(await readSpecText(file), { file, architecture });

export type SpecSource = {
  /** For messages. */
  readonly file: string;
  /** Told from the spec itself if undefined. */
  readonly architecture: Architecture | undefined;
};

/** @throws UserError SpecInvalid */
export const parseExperimentSpec = (text: string, { file, architecture }: SpecSource): ExperimentSpec => {
  const tree = treeOf(text, file);
  const found = recogniseSpec(tree);
  const wanted = architecture ?? found?.architecture;
  if (wanted === undefined) throw nothingTells(file);
  if (found && found.architecture !== wanted) throw otherModule(file, wanted, found);
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

const treeOf = (text: string, file: string): TextMessage => {
  try {
    return parseTextTree(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxFault)) throw thrown;
    throw specError(file, [{ ...thrown.place, path: '', what: thrown.message }]);
  }
};

/** Else unknown fields are told by name, and the names in a file that is no spec are nobody's business. */
const requireKnownField = ({ fields }: TextMessage, schema: MessageType, file: string): void => {
  if (fields.length === 0 || fields.some(({ name }) => Object.hasOwn(schema.fields, name))) return;
  throw new UserError(
    'SpecInvalid',
    `Reading the experiment spec ${file}: it has none of the fields of a spec, which are ${Object.keys(schema.fields).join(', ')}. Name the spec that this model was trained with.`,
  );
};

const nothingTells = (file: string): UserError =>
  new UserError(
    'SpecInvalid',
    `Reading the experiment spec ${file}: no field tells which module it is for. Check that it is a spec of classification, detectnet_v2, ssd, dssd, retinanet, yolo or faster_rcnn.`,
  );

const otherModule = (file: string, wanted: Architecture, { architecture, by, path }: Recognised): UserError =>
  new UserError(
    'SpecInvalid',
    `Reading the experiment spec ${file}: it is a spec of ${architecture}, since ${file}:${by.line}:${by.column} has ${path}, and one of ${wanted} is needed. Name the spec that this model was trained with, or the module ${architecture}.`,
  );

/** `file` is what messages call it, where that is not its path. @throws UserError InputNotFound, SpecInvalid */
export const readSpecText = async (path: string, file: string = path): Promise<string> => {
  const doing = `Reading the experiment spec ${file}`;
  const bytes = bytesOf(path, doing);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError('SpecInvalid', `${doing}: it is not text in UTF-8. Name the training's spec.`);
  }
};

const opened = (path: string, doing: string): Readable & Disposable => {
  try {
    return openReadable(path);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const why = systemCodeOf(thrown) === 'ENOENT' ? 'there is no such file' : messageOf(thrown);
    throw new UserError('InputNotFound', `${doing}: ${why}. Check its path.`, { cause: thrown });
  }
};

/** A model named by mistake is refused before it is read. */
const bytesOf = (path: string, doing: string): Uint8Array => {
  using file = opened(path, doing);
  const { size } = file;
  if (size <= 4 * longestText) return file.whole();
  throw new UserError(
    'SpecInvalid',
    `${doing}: it has ${size} bytes, and no spec is that long. Name the training's spec.`,
  );
};
