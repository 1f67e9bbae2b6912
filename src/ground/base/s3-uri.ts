/** `s3://bucket/key`: an object, or the objects below a prefix, in S3 or a store with its API. */
export type S3Uri = { readonly bucket: string; readonly key: string };

const form = /^s3:\/\/([a-z0-9][-a-z0-9.]{1,61}[a-z0-9])\/([^\n]+)$/;

/** Parses an `s3://` URI; undefined for other schemes, and for keys with empty, `.` or `..` segments. */
export const parseS3Uri = (uri: string): S3Uri | undefined => {
  const match = form.exec(uri);
  if (!match) return undefined;
  const key = match[2]!.replace(/\/+$/, '');
  const isPlain = key.split('/').every((part) => !['', '.', '..'].includes(part));
  return isPlain ? { bucket: match[1]!, key } : undefined;
};

/** Whether the URI names an object in S3, well-formed or not. */
export const isS3Uri = (uri: string): boolean => uri.startsWith('s3://');
