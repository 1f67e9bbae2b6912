/**
 * Why a picture cannot be decoded, as sentences that follow its name. Callers that know the name turn it into a UserError.
 */
export class PictureFault extends Error {
  override readonly name = 'PictureFault';
}

/** Fault of a file that ends too early or contradicts itself. */
export const cutShort = (): PictureFault =>
  new PictureFault('the file is truncated or damaged. Copy it again.');

/** Fault of a form that Pillow cannot read either; `what` describes it: `it is a …`. */
export const unreadable = (what: string): PictureFault =>
  new PictureFault(`${what}, which is not supported. Convert it to PNG.`);
