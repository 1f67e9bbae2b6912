/** The digest that names the model in a file: it follows model and key, and no encryption. */
import { createHmac } from 'node:crypto';
import test from 'ava';
import { payloadDigest } from '../../src/formats/crypto/payload-digest.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';

const model = Buffer.alloc(3 * 2 ** 20 + 7, 'model');
const quick = { workFactor: 10 };
const digest = (payload: Uint8Array, key: string) => payloadDigest(readableBytes(payload), key, quick);

test('equal for the same model and key, different for another of either', async (t) => {
  const first = await digest(model, 'key');
  t.is(await digest(Buffer.from(model), 'key'), first);
  t.not(await digest(model, 'other'), first);
  t.not(await digest(model.subarray(1), 'key'), first);
  t.regex(first, /^[0-9a-f]{64}$/);
});

test('who has the model and not the key cannot recompute it', async (t) => {
  const found = await digest(model, 'key');
  t.not(found, sha256(model));
  for (const guess of ['', 'key', 'export.tlt.dev/payload-digest/v1'])
    t.not(found, createHmac('sha256', guess).update(model).digest('hex'));
});
