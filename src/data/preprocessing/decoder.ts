/**
 * sharp as pictures are decoded with it: only the loaders of the formats that are documented, since any other loader of
 * libvips is chosen by a file's content whatever its name is. SVG would be rendered (and can take hours), AVIF and
 * libvips' own format would be opened.
 */
import sharp from 'sharp';

/** libvips' names of the loaders; the names of its classes for a file, a buffer and a stream begin with these. */
const loaders = ['Jpeg', 'Png', 'Tiff', 'Webp', 'Nsgif'];

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) });

/** Each file is read once: a cache would only hold memory. */
sharp.cache(false);

/** The formats, as messages name them. */
export const decodedFormats = 'JPEG, PNG, BMP, PPM, TIFF, WebP or GIF';

/** A larger picture is refused before it is decoded, so that memory stays bounded. */
export const pixelLimit = 100_000_000;

export const tooManyPixels = (width: number, height: number): string =>
  `it has ${width} × ${height} pixels, more than ${pixelLimit / 1e6} megapixels. Make it smaller; the network sees far fewer.`;

/** No picture within the limit of pixels takes nearly as long, even where many decode at once. */
export const maxDecodeSeconds = 120;

export { sharp };
