/**
 * Configures sharp: only the loaders of the documented formats are enabled. libvips picks a loader by content, whatever the
 * file name says: SVG would be rendered (which can take hours), and AVIF and libvips' own format would be opened.
 */
import sharp from 'sharp';

/** Prefixes of the libvips loader classes for files, buffers and streams. */
const loaders = ['Jpeg', 'Png', 'Tiff', 'Webp', 'Nsgif'];

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) });

/** Each file is read once, so a cache would only hold memory. */
sharp.cache(false);

/** Supported formats, for messages. */
export const decodedFormats = 'JPEG, PNG, BMP, PPM, TIFF, WebP or GIF';

/** Maximum width × height. Larger pictures are rejected before decoding, to bound memory. */
export const pixelLimit = 100_000_000;

/** Why a picture with too many pixels is rejected, as sentences that follow its name. */
export const tooManyPixels = (width: number, height: number): string =>
  `it has ${width} × ${height} pixels, more than ${pixelLimit / 1e6} megapixels. Downscale it; the network input is far smaller.`;

/** Decode timeout in seconds. No picture within the pixel limit comes close, even with many concurrent decodes. */
export const maxDecodeSeconds = 120;

export { sharp };
