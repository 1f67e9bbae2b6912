/** The digest that identifies the model in a file: it depends on model and key, not on the encryption. */
import { createHmac } from 'node:crypto';
import test from 'ava';
import { computePayloadDigest } from '../../src/formats/crypto/payload-digest.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';

const model = Buffer.alloc(3 * 2 ** 20 + 7, 'model');
const quick = { workFactor: 10 };
const digest = (payload: Uint8Array, key: string) => computePayloadDigest(readableBytes(payload), key, quick);

test('the digest is equal for the same model and key, and different for another model or key', async (t) => {
  const first = await digest(model, 'key');
  t.is(await digest(Buffer.from(model), 'key'), first);
  t.not(await digest(model, 'other'), first);
  t.not(await digest(model.subarray(1), 'key'), first);
  t.regex(first, /^[0-9a-f]{64}$/);
});

test('the digest cannot be computed from the model without the key', async (t) => {
  const found = await digest(model, 'key');
  t.not(found, sha256(model));
  for (const guess of ['', 'key', 'export.tlt.dev/payload-digest/v1'])
    t.not(found, createHmac('sha256', guess).update(model).digest('hex'));
});
