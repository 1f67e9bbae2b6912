/** `tlt-model fetch`: copies stored artifacts, and checks their digests. */
import { basename, join } from 'node:path';
import { hasDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { printableLines } from '../../ground/base/printable.ts';
import { isFolder } from '../../ground/base/readable.ts';
import { makeOutputs } from '../../ground/base/whole-file.ts';
import { type Arguments, describeFile, type ModelToolContext, subcommandUsage } from './model-context.ts';
import { findStoredFile, findStoredFiles, type StoredRequest } from './stored-files.ts';
import { openPlace, type StoredCopy, type StoredPlace } from './stored-place.ts';

/** Runs `tlt-model fetch`. @throws UserError with the reason that determines the exit code */
export const fetchStored = async (
  { files: [source = ''], values }: Arguments<'fetch'>,
  { print, printError, random, signal }: ModelToolContext,
): Promise<void> => {
  const { class: deviceClass, what, digest, output_file: output } = values;
  const request = { source, deviceClass, what, sha256: parseDigest(digest) };
  const warn = (message: string) => printError(`tlt-model: ${printableLines(message)}\n`);
  const place = await openPlace({ source, values, warn, random, signal });
  const copies = await findCopies(place, request);
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
    await outputs.make(target, (unfinished) => place.copy(copy, unfinished));
  }
  await outputs.publish();
  for (const { target } of placed) print(`${await describeFile(target)}\n`);
};

const findCopies = async (place: StoredPlace, request: StoredRequest): Promise<readonly StoredCopy[]> => {
  const { source, deviceClass, what } = request;
  const isFile = deviceClass === undefined && (await place.isFile(source));
  if (!isFile) return findStoredFiles(place, request);
  if (what !== undefined)
    throw subcommandUsage('fetch', `--what needs a folder, but ${source} is a file: name its folder`);
  return [await findStoredFile(place, request)];
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
