import test from 'ava';
import { truncateToBytes } from '../../src/ground/base/text.ts';

test('text within the limit is unchanged; the limit counts bytes, not characters', (t) => {
  t.is(truncateToBytes('a'.repeat(1024), 1024), 'a'.repeat(1024));
  t.is(truncateToBytes('é'.repeat(512), 1024), 'é'.repeat(512));
});

test('truncated text keeps whole characters and ends in an ellipsis, within the limit', (t) => {
  for (const letter of ['a', 'é', '模', '😀'])
    for (const limit of [1021, 1022, 1023, 1024]) {
      const cut = truncateToBytes(letter.repeat(1025), limit);
      t.true(Buffer.byteLength(cut) <= limit && Buffer.byteLength(cut) > limit - 8);
      t.regex(cut, new RegExp(`^${letter}+…$`, 'u'));
    }
});
