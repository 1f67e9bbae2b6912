/** `tlt-model fetch`: copies stored artifacts, and checks their digests. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hasDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { isFolder, readChunks, untilAborted } from '../../ground/base/readable.ts';
import { verifyChunks } from '../../ground/base/verified-chunks.ts';
import { makeOutputs } from '../../ground/base/whole-file.ts';
import { openInput } from '../cli/input-file.ts';
import { type Arguments, describeFile, type ModelToolContext, subcommandUsage } from './model-context.ts';
import { findStoredFile, findStoredFiles, type StoredCopy, type StoredRequest } from './stored-files.ts';

/** Runs `tlt-model fetch`. @throws UserError with the reason that determines the exit code */
export const fetchStored = async (
  { files: [source = ''], values }: Arguments<'fetch'>,
  { print, signal }: ModelToolContext,
): Promise<void> => {
  const { class: deviceClass, what, digest, output_file: output } = values;
  const copies = await findCopies({ source, deviceClass, what, sha256: parseDigest(digest) });
  const keepsNames = output.endsWith('/') || (await isFolder(output));
  if (!keepsNames && copies.length > 1)
    throw subcommandUsage('fetch', `${copies.length} files need a folder, but -o ${output} is none`);
  const placed = copies.map((copy) => ({
    copy,
    target: keepsNames ? join(output, basename(copy.path)) : output,
  }));
  await using outputs = makeOutputs();
  for (const { copy, target } of placed) {
    if (await hasDigest(target, copy.sha256)) continue; // An init container runs again when its pod restarts.
    using input = await openInput(copy.path);
    await outputs.write(target, verifyChunks(untilAborted(readChunks(input), signal), copy.path, copy));
  }
  await outputs.publish();
  for (const { target } of placed) print(`${await describeFile(target)}\n`);
};

const findCopies = async (request: StoredRequest): Promise<readonly StoredCopy[]> => {
  const { source, deviceClass, what } = request;
  const isFile = deviceClass === undefined && (await stat(source).catch(() => undefined))?.isFile() === true;
  if (!isFile) return findStoredFiles(request);
  if (what !== undefined)
    throw subcommandUsage('fetch', `--what needs a folder, but ${source} is a file: name its folder`);
  return [await findStoredFile(request)];
};

/** @throws UserError Usage */
const parseDigest = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const hex = /^sha256:([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex !== undefined) return hex;
  throw new UserError(
    'Usage',
    `Reading --digest: '${text}' is not sha256: and 64 lower-case hex digits. Copy it from status.`,
  );
};
