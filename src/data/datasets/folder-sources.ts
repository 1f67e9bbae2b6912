/** Image sources made of folders: class folders of classification, and images with KITTI labels. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { requireFolder, resolveBelow } from './paths.ts';
import type { ClassFolders, KittiFolders, KittiSource } from './plan.ts';
import type { ImageSource } from './source.ts';
import type { DataSet } from './tfrecord-sources.ts';

/** Which data set to open, and the folder that relative paths start from. */
export type FolderOptions = { readonly set: DataSet; readonly dataRoot: string | undefined };

/** Extensions that Keras's directory iterator accepts, in any case. */
const classificationImage = /\.(png|jpg|jpeg|bmp|ppm|tif|tiff)$/i;

/** Extensions that TLT's KITTI reader accepts, in lower case only. */
const kittiImage = /\.(jpg|jpeg|png|bmp|gif)$/;

/** Opens class folders: images at any depth below each class, sorted. @throws UserError InputNotFound */
export const openClassFolders = async (
  plan: ClassFolders,
  { set, dataRoot }: FolderOptions,
): Promise<readonly ImageSource[]> => {
  const named = set === 'training' ? plan.training : plan.validation;
  if (named === undefined) return [];
  const folder = resolveBelow(named, dataRoot);
  await requireFolder(folder, 'class folder');
  const classes = await listFolders(folder);
  const paths: string[] = [];
  for (const each of classes) for (const path of await listImages(each)) paths.push(path);
  return [{ ...buildSource(paths, undefined), classes: classes.length }];
};

/** Names of the classes of the training set, in the order of the network's outputs. @throws UserError InputNotFound */
export const listClassNames = async (
  { training }: ClassFolders,
  dataRoot: string | undefined,
): Promise<readonly string[]> => {
  const folder = resolveBelow(training, dataRoot);
  await requireFolder(folder, 'class folder');
  return (await listFolders(folder)).map((path) => basename(path)).toSorted();
};

/** Subfolders, including links to folders. */
const listFolders = async (folder: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const isFolder = await stat(path).then(
      (each) => each.isDirectory(),
      () => false, // a dangling link
    );
    if (isFolder) found.push(path);
  }
  return found;
};

const listImages = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory() && classificationImage.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
};

/** Opens the images that have a label file of the same name. @throws UserError InputNotFound */
export const openKittiFolders = async (
  plan: KittiFolders,
  { set, dataRoot }: FolderOptions,
): Promise<readonly ImageSource[]> => {
  const sources: ImageSource[] = [];
  for (const source of plan[set]) sources.push(await openKittiSource(source, dataRoot));
  return sources;
};

const openKittiSource = async (source: KittiSource, dataRoot: string | undefined): Promise<ImageSource> => {
  const images = resolveBelow(source.imageFolder, dataRoot);
  const labels = resolveBelow(source.labelFolder, dataRoot);
  await requireFolder(images, 'image folder');
  await requireFolder(labels, 'label folder');
  const withLabel = new Set(await readdir(labels));
  const names = (await readdir(images)).filter(
    (name) => kittiImage.test(name) && withLabel.has(`${parse(name).name}.txt`),
  );
  return buildSource(
    names.map((name) => join(images, name)),
    source.weight,
  );
};

/** Sorts the paths, so that a seed chooses the same images on every file system. */
const buildSource = (paths: readonly string[], weight: number | undefined): ImageSource => {
  const sorted = [...paths].sort();
  return {
    count: sorted.length,
    weight: weight ?? sorted.length,
    imageAt: async (index) => ({ path: sorted[index]! }),
  };
};
