/** Encrypted models as bytes, where the tools write them piece by piece. */
import * as encrypted from '../../src/formats/encrypted-model.ts';

type Made = (...request: Parameters<typeof encrypted.encryptEtlt>) => Promise<Uint8Array>;

export const encryptTlt: Made = async (...request) =>
  new Uint8Array(Buffer.concat([...(await encrypted.encryptTlt(...request))]));

export const encryptEtlt: Made = async (...request) =>
  new Uint8Array(Buffer.concat([...(await encrypted.encryptEtlt(...request))]));
