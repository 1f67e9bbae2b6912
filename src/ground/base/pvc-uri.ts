/** `pvc://claim/path`: a path in a PersistentVolumeClaim of the object's namespace. */
export type PvcUri = { readonly claim: string; readonly path: string };

const form = /^pvc:\/\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)\/([^\n]*)$/;

/** Parses a `pvc://` URI; undefined for other schemes, and for paths with `.` or `..`. */
export const parsePvcUri = (uri: string): PvcUri | undefined => {
  const match = form.exec(uri);
  if (!match) return undefined;
  const path = match[2]!.replace(/\/+$/, '');
  const leaves = path.split('/').some((part) => part === '..' || part === '.');
  return leaves ? undefined : { claim: match[1]!, path };
};
