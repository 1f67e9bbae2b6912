/** Image sources made of TFRecords. A record refers to its image by `frame/id`, or contains it (as DALI writes it). */
import { isAbsolute, join } from 'node:path';
import { type Example, parseExample } from '../../formats/tfrecord/example.ts';
import { countRecords, indexRecords, type RecordFile, readRecord } from '../../formats/tfrecord/tfrecord.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { ImageInput } from '../preprocessing/decode.ts';
import { findRecordFiles, isOfFold, requireConfined, requireFolder, resolveBelow } from './paths.ts';
import type { LoaderPlan, TfrecordSource, Tfrecords } from './plan.ts';
import type { ImageSource } from './source.ts';

/** The two halves of a data set. */
export type DataSet = 'training' | 'validation';

/** Indexes the record files of the set. @throws UserError InputNotFound, DatasetInvalid */
export const openTfrecords = async (
  plan: Tfrecords & Pick<LoaderPlan, 'within'>,
  { set, dataRoot }: { readonly set: DataSet; readonly dataRoot: string | undefined },
): Promise<readonly ImageSource[]> => {
  const { within } = plan;
  const extension = plan.imageExtension.replace(/^\./, '');
  const sources: ImageSource[] = [];
  for (const source of selectSources(plan, set)) {
    const folder = source.imageFolder === undefined ? undefined : resolveBelow(source.imageFolder, dataRoot);
    if (folder !== undefined) await requireFolder(folder, 'image folder');
    const paths = (await findRecordFiles(resolveBelow(source.records, dataRoot))).filter(
      belongsTo(plan, set),
    );
    const files: RecordFile[] = [];
    for (const path of paths) {
      await requireConfined(within, path);
      files.push(await indexRecords(path));
    }
    sources.push(buildSource(files, { folder, extension, weight: source.weight }));
  }
  return sources;
};

/** If the spec has a separate validation source, all other sources are for training. */
const selectSources = ({ validation, sources }: Tfrecords, set: DataSet): readonly TfrecordSource[] => {
  if (set === 'training') return sources;
  if (validation === undefined) return [];
  return 'source' in validation ? [validation.source] : sources;
};

const belongsTo = ({ validation }: Tfrecords, set: DataSet): ((path: string) => boolean) => {
  if (validation === undefined || 'source' in validation) return () => true;
  return (path) => isOfFold(path, validation.fold) === (set === 'validation');
};

type Images = {
  readonly folder: string | undefined;
  readonly extension: string;
  readonly weight: number | undefined;
};

const buildSource = (files: readonly RecordFile[], images: Images): ImageSource => {
  const count = files.reduce((sum, file) => sum + countRecords(file), 0);
  const imageAt = async (index: number): Promise<ImageInput> => {
    const { file, record } = locateRecord(files, index);
    const namedBy = `record ${record} of ${file.path}`;
    return locateImage(parseExample(await readRecord(file, record), namedBy), namedBy, images);
  };
  return { count, weight: images.weight ?? count, imageAt };
};

/** The file and record of an index that counts over all files. */
const locateRecord = (files: readonly RecordFile[], index: number): { file: RecordFile; record: number } => {
  let record = index;
  const file = files.find((one) => {
    if (record < countRecords(one)) return true;
    record -= countRecords(one);
    return false;
  });
  return { file: file!, record };
};

const locateImage = (example: Example, namedBy: string, { folder, extension }: Images): ImageInput => {
  const id = textOf(example, 'frame/id');
  if (id === undefined || id === '' || id.includes('\0'))
    throw new UserError(
      'DatasetInvalid',
      `Reading ${namedBy}: it has no image name (frame/id). Convert the data set again.`,
    );
  const encoded = example.get('frame/encoded');
  const bytes = encoded?.kind === 'bytes' ? encoded.values[0] : undefined;
  if (folder === undefined && bytes === undefined)
    throw new UserError(
      'DatasetInvalid',
      `Reading ${namedBy}: it contains no image, and the spec has no image_directory_path to find the file of ${id}. Set image_directory_path in the spec.`,
    );
  if (folder !== undefined && escapesFolder(id))
    throw new UserError(
      'DatasetInvalid',
      `Reading ${namedBy}: its image name (frame/id) points outside the image folder ${folder}. Convert the data set again, with images inside that folder.`,
    );
  const path = folder === undefined ? id : join(folder, `${id}.${extension}`);
  return { path, namedBy, ...(bytes && { bytes }) };
};

/** Whether a name would lead out of the folder that it is joined to. */
const escapesFolder = (name: string): boolean => isAbsolute(name) || name.split('/').includes('..');

const textOf = (example: Example, key: string): string | undefined => {
  const feature = example.get(key);
  return feature?.kind === 'bytes' ? feature.values[0] && utf8.decode(feature.values[0]) : undefined;
};

const utf8 = new TextDecoder();
