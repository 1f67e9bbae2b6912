/** What `retry`, `verify`, `suspend` and `resume` change in a ModelExport. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { suggestWord } from '../../ground/base/nearest.ts';
import { pluginName } from '../../ground/contract/plugin-flags.ts';
import { findTrue } from '../api/conditions.ts';
import { annotations } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';

/** A change of an object. */
export type RequestedChange = {
  /** A JSON merge patch; undefined if there is nothing to change. */
  readonly patch?: object;
  /** What was done, for the user. */
  readonly message: string;
};

/** What a request by annotation contains. */
export type Request = {
  /** A text that no request before had. */
  readonly token: string;
  readonly deviceClass: string | undefined;
};

/**
 * Requests another attempt at what failed.
 * @throws UserError Usage for an unknown class, and for a suspended export, which would start nothing
 */
export const retry = (modelExport: ModelExport, request: Request): RequestedChange => {
  const { metadata, spec, status } = modelExport;
  const token = addressToken(modelExport, request);
  if (spec.suspend)
    throw new UserError(
      'Usage',
      `Requesting an attempt: ${nameOf(modelExport)} is suspended. Run ${commandFor('resume', metadata)} first.`,
    );
  const isCurrent = status?.observedGeneration === metadata.generation;
  if (isCurrent && findTrue(status.conditions, 'Ready'))
    return { message: `${nameOf(modelExport)} is Ready: nothing failed, nothing was changed` };
  return {
    patch: annotate(annotations.requestedAt, token),
    message: `requested another attempt at what failed: ${describeScope(modelExport, request)}`,
  };
};

/** Requests a check of the stored files. @throws UserError Usage for an unknown class */
export const verify = (modelExport: ModelExport, request: Request): RequestedChange => ({
  patch: annotate(annotations.verifyRequestedAt, addressToken(modelExport, request)),
  message: `requested a check of the stored files: ${describeScope(modelExport, request)}`,
});

/** Sets `spec.suspend`. */
export const setSuspended = (modelExport: ModelExport, suspend: boolean): RequestedChange => {
  const word = suspend ? 'suspended' : 'resumed';
  if (modelExport.spec.suspend === suspend)
    return { message: `${nameOf(modelExport)} is ${suspend ? 'already suspended' : 'not suspended'}` };
  return { patch: { spec: { suspend } }, message: `${nameOf(modelExport)} is ${word}` };
};

/** A command of the plugin for this object. */
export const commandFor = (
  command: string,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): string => `${pluginName} ${command} ${name} -n ${namespace}`;

const annotate = (annotation: string, token: string) => ({
  metadata: { annotations: { [annotation]: token } },
});

/** `<class>=<token>` limits a request to one class. */
const addressToken = ({ metadata, spec }: ModelExport, { token, deviceClass }: Request): string => {
  if (deviceClass === undefined) return token;
  const names = spec.deviceClasses.map(({ name }) => name);
  if (names.includes(deviceClass)) return `${deviceClass}=${token}`;
  const near = suggestWord(deviceClass, names);
  throw new UserError(
    'Usage',
    `Reading --class: ${metadata.name} has no device class '${deviceClass}'. ${near === undefined ? `Its classes are: ${names.join(', ')}` : `Did you mean ${near}?`}`,
  );
};

const nameOf = ({ metadata: { namespace, name } }: ModelExport): string => `${namespace}/${name}`;

const describeScope = (modelExport: ModelExport, { deviceClass }: Request): string =>
  deviceClass === undefined ? nameOf(modelExport) : `class ${deviceClass} of ${nameOf(modelExport)}`;
