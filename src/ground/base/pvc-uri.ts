/** `pvc://claim/path`: a path inside a PersistentVolumeClaim of the object's own namespace. */
export type PvcUri = { readonly claim: string; readonly path: string };

const form = /^pvc:\/\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)\/(.*)$/;

/** The two halves, or undefined for any other scheme and for a path that would leave the claim. */
export const parsePvcUri = (uri: string): PvcUri | undefined => {
  const match = form.exec(uri);
  if (!match) return undefined;
  const path = match[2]!.replace(/\/+$/, '');
  const leaves = path.split('/').some((part) => part === '..' || part === '.');
  return leaves ? undefined : { claim: match[1]!, path };
};
