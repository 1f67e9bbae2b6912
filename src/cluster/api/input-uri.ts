/** URIs of inputs: those of storage, and files in images. */
import type { text } from '../../ground/contract/schema.ts';

type UriSchema = ReturnType<typeof text>;

const isInImage =
  "self.matches('^oci://[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+@sha256:[0-9a-f]{64}/.+$')";

const form = 'oci://<registry>/<repository>@sha256:<digest>/<path>';

/** The schema of a URI that may also name a file or folder in an image, by digest. Images are only read. */
export const orInImage = (schema: UriSchema): UriSchema => {
  const [stored, ...rest] = schema.validations ?? [];
  const { rule, message } = stored!;
  return {
    ...schema,
    description: `${schema.description.replace(/\.$/, '')}, or ${form} for an image volume.`,
    validations: [
      { rule: `(${rule}) || ${isInImage}`, message: `${message}; or ${form}, which mounts an image` },
      ...rest,
    ],
  };
};
