/** Why a picture cannot be decoded, as sentences that follow its name; it becomes a UserError where the name is known. */
export class PictureFault extends Error {
  override readonly name = 'PictureFault';
}

export const cutShort = (): PictureFault =>
  new PictureFault('the file is cut short or damaged. Copy it again.');

/** `what` is a form that Pillow does not read either. */
export const unreadable = (what: string): PictureFault =>
  new PictureFault(`${what}, which is not decoded. Convert it to PNG.`);
