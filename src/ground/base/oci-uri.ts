/** `oci://registry/repository@sha256:digest/path`: a file or folder in an image, which is mounted as an image volume. */
export type OciUri = {
  /** `registry/repository@sha256:…`, as container runtimes name it. */
  readonly image: string;
  /** 64 hexadecimal digits. */
  readonly digest: string;
  readonly path: string;
};

const form =
  /^oci:\/\/([A-Za-z0-9.-]+(?::[0-9]+)?(?:\/[a-z0-9][a-z0-9._-]*)+@sha256:([0-9a-f]{64}))\/([^\n]*)$/;

/** Parses an `oci://` URI; undefined for other schemes, for tags, and for paths with `.` or `..`. */
export const parseOciUri = (uri: string): OciUri | undefined => {
  const match = form.exec(uri);
  if (!match) return undefined;
  const path = match[3]!.replace(/\/+$/, '');
  const leaves = path.split('/').some((part) => part === '..' || part === '.');
  return leaves ? undefined : { image: match[1]!, digest: match[2]!, path };
};
