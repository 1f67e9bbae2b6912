/** spec.codec: the image of a program that encrypts and decrypts in place of age. */
import { list, object, text } from '../../ground/contract/schema.ts';
import { pinnedImage } from './shared-schemas.ts';

export const codec = object(
  "A program for another cipher than age, above all NVIDIA's own (docs/external-codec.md): opens a model that age did not encrypt, and encrypts a second .etlt, status.export.codecEtlt. The export pod alone runs it, with the key mounted: docs/security.md has an allow-list of images.",
  {
    image: pinnedImage(
      'Image that has the program, pinned by digest: Linux with glibc and libstdc++, for the node that exports.',
    ),
    command: list(
      'The program and its first words; decrypt or encrypt is put after them.',
      text('A word, as the program gets it: no shell reads it.', { maxLength: 4096 }),
      {
        minItems: 1,
        maxItems: 32,
        validations: [
          { rule: "self[0] != ''", message: 'begin the command with the path or name of a program' },
        ],
      },
    ),
  },
  { required: ['image', 'command'] },
);
