/** Paths of a command line as URIs of a claim. Pure. */
import { posix } from 'node:path';
import { UserError } from '../../ground/base/errors.ts';

/** A PersistentVolumeClaim, and the folder where the machine of the command line has its root. */
export type PathClaim = {
  readonly name: string;
  /** Absolute. */
  readonly mount: string | undefined;
};

/** A path, and the flag that it comes from. */
export type FlagPath = { readonly flag: string; readonly path: string };

/**
 * `pvc://<claim>/<path>`. A relative path starts at the root of the claim.
 * @throws UserError Usage for a path outside of the claim, and for its root
 */
export const toUri = (claim: PathClaim, given: FlagPath): string => {
  const path = pathIn(claim, given);
  if (path === '') throw outside(given, 'is the root of the claim: name a file or folder in it');
  return `pvc://${claim.name}/${path}`;
};

/** Like `toUri`, but the root of the claim is allowed. */
export const toRootUri = (claim: PathClaim, given: FlagPath): string =>
  `pvc://${claim.name}/${pathIn(claim, given)}`;

/** The folder of a file, relative to the root of the claim; empty for the root itself. */
export const parentOf = (claim: PathClaim, given: FlagPath): string => {
  const parent = posix.dirname(pathIn(claim, given));
  return parent === '.' ? '' : parent;
};

const pathIn = ({ mount }: PathClaim, given: FlagPath): string => {
  const path = posix.normalize(given.path).replace(/\/+$/, '');
  const relative = posix.isAbsolute(given.path) ? belowMount(mount, { ...given, path }) : path;
  if (relative === '..' || relative.startsWith('../'))
    throw outside(given, 'leaves the claim: name a path below its root');
  return relative === '.' ? '' : relative;
};

const belowMount = (mount: string | undefined, given: FlagPath): string => {
  if (mount === undefined)
    throw outside(
      given,
      'is absolute: name the folder that corresponds to the root of the claim with --mount',
    );
  if (!posix.isAbsolute(mount))
    throw new UserError('Usage', `Reading --mount: ${mount} is relative. Name an absolute folder.`);
  const relative = posix.relative(mount, given.path === '' ? '/' : given.path);
  if (relative === '..' || relative.startsWith('../')) throw outside(given, `is not below --mount ${mount}`);
  return relative;
};

const outside = ({ flag, path }: FlagPath, why: string): UserError =>
  new UserError('Usage', `Converting the command line: --${flag} ${path} ${why}.`);
