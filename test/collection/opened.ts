/** Opens a model of the collection as `tlt-export classification` does with its flags. */
import { join } from 'node:path';
import { parseModelSettings } from '../../src/adapters/tlt-export/model-flags.ts';
import { type OpenedModel, openModel } from '../../src/export/models/open-model.ts';
import { textPicturesFolder } from '../bench/text-pictures.ts';
import { photosFolder } from '../photos/photos.ts';
import type { CollectedModel, PictureKind } from './models.ts';

export const openCollected = async ({ file, flags = [] }: CollectedModel): Promise<OpenedModel> => {
  const settings = parseModelSettings(valuesOf(flags));
  return openModel({ path: await file(), key: 'k', architecture: 'classification', settings });
};

/** The folder of a kind of pictures. */
export const folderOf = async (kind: PictureKind): Promise<string> =>
  kind === 'photos' ? photosFolder() : join(await textPicturesFolder(), kind);

/** Parses flags such as `['--input_dims', '3,8,8']`. */
const valuesOf = (flags: readonly string[]): Parameters<typeof parseModelSettings>[0] => {
  const pairs = flags.flatMap((word, i) => (word.startsWith('--') ? [[word.slice(2), flags[i + 1]]] : []));
  return Object.fromEntries(pairs) as Parameters<typeof parseModelSettings>[0];
};
