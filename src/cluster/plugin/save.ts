/** Saves files of claims on this machine: all of them, or none, and only with the right content. */
import { open } from 'node:fs/promises';
import { hasDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { checkContent, type ExpectedContent } from '../../ground/base/verified-chunks.ts';
import { makeOutputs } from '../../ground/base/whole-file.ts';
import { artifactFiles, fileIn, folderOfFile, numberFile } from '../../ground/contract/layout.ts';
import { type Manifest, parseManifest } from '../../ground/contract/manifest.ts';
import { nameIn, type WantedFile } from './artifacts.ts';
import type { StoredReader } from './stored-reader.ts';

/** A file, and the path of its copy. */
export type TargetFile = WantedFile & { readonly path: string };

/** Called with the bytes so far and the size of a file. */
export type OnProgress = (done: number, total: number, file: string) => void;

/** Whether the copy exists with the right content. */
export const isSaved = async ({ path, content }: TargetFile): Promise<boolean> =>
  content !== undefined && (await hasDigest(path, content.sha256));

/**
 * Reads and checks the files, then names all copies.
 * @throws UserError DigestMismatch, OutputExists, OutputUnwritable, DiskFull, and the errors of the reader
 */
export const saveFiles = async (
  files: readonly TargetFile[],
  read: StoredReader,
  progress: OnProgress,
): Promise<void> => {
  await using outputs = makeOutputs();
  for (const { path, uri, file, content } of files) {
    const expected = content ?? (await findContent(uri, read));
    if (await hasDigest(path, expected.sha256)) continue;
    await outputs.make(path, (unfinished) =>
      receive(unfinished, read(uri), {
        uri,
        expected,
        progress: (done, total) => progress(done, total, file),
      }),
    );
  }
  await outputs.publish();
};

type Transfer = {
  readonly uri: string;
  readonly expected: ExpectedContent;
  readonly progress: (done: number, total: number) => void;
};

const receive = async (
  unfinished: string,
  chunks: AsyncIterable<Uint8Array>,
  { uri, expected, progress }: Transfer,
): Promise<void> => {
  const check = checkContent(uri, expected);
  await using handle = await open(unfinished, 'r+');
  for await (const chunk of chunks) {
    check.add(chunk);
    await handle.writeFile(chunk);
    progress(check.size(), expected.sizeBytes ?? check.size());
  }
  check.finish();
};

/** The content of a file that status does not describe, by the manifests of its folder. */
const findContent = async (uri: string, read: StoredReader): Promise<ExpectedContent> => {
  const name = nameIn(uri);
  for (let n = 1; ; n++) {
    const { files } = await readManifest(
      fileIn(folderOfFile(uri), numberFile(artifactFiles.manifest, n)),
      read,
    );
    if (Object.hasOwn(files, name)) return files[name]!;
  }
};

const readManifest = async (uri: string, read: StoredReader): Promise<Pick<Manifest, 'files'>> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of read(uri)) {
    size += part.byteLength;
    if (size > limits.manifestBytes.max) break;
    parts.push(part);
  }
  const manifest =
    size > limits.manifestBytes.max ? undefined : parseManifest(Buffer.concat(parts).toString('utf8'));
  return manifest ?? { files: {} };
};

/** @throws UserError Usage */
export const requireOneFile = (files: readonly WantedFile[], path: string): void => {
  if (files.length > 1)
    throw new UserError(
      'Usage',
      `Writing ${path}: ${files.length} files need a folder. End the path with /, or select one file by --what and --class.`,
    );
};
