/** `spec.codec`: the image of a program that encrypts and decrypts instead of age. */
import { list, object, text } from '../../ground/contract/schema.ts';
import { pinnedImage } from './shared-schemas.ts';

/** Schema of `spec.codec`. */
export const codec = object(
  "A program for a cipher other than age, for example NVIDIA's own (see docs/external-codec.md). It decrypts a model that age did not encrypt, and encrypts a second .etlt, status.export.codecEtlt. Only the export pod runs it, with the key mounted; docs/security.md shows how to allow-list images.",
  {
    image: pinnedImage(
      'Image that contains the program, pinned by digest. It must be a Linux image with glibc and libstdc++, for the architecture of the export node.',
    ),
    command: list(
      'The program and its first arguments. The operator appends decrypt or encrypt.',
      text('One argument, passed as it is: no shell interprets it.', { maxLength: 4096 }),
      {
        minItems: 1,
        maxItems: 32,
        validations: [
          {
            rule: "self[0] != ''",
            message: 'the first entry of command must be the path or name of a program',
          },
        ],
      },
    ),
  },
  { required: ['image', 'command'] },
);
