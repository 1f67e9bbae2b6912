/** A pvc:// URI never leads outside its claim. */
import { join, relative } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parseOciUri } from '../../src/ground/base/oci-uri.ts';
import { parsePvcUri } from '../../src/ground/base/pvc-uri.ts';
import { parseS3Uri } from '../../src/ground/base/s3-uri.ts';

test('no URI has a path outside its claim', (t) => {
  const part = fc.constantFrom('..', '.', '', 'models', 'a b', '...', '%2e%2e', '\\..', 'c', '~');
  const uri = fc.tuple(
    fc.constantFrom('pvc://models/', 'pvc://', 's3://models/'),
    fc.array(part, { minLength: 1 }),
  );
  let read = 0;
  const stays = fc.property(uri, ([scheme, parts]) => {
    const found = parsePvcUri(`${scheme}${parts.join('/')}`);
    if (found === undefined) return true;
    read += 1;
    const place = relative(join('/claims', found.claim), join('/claims', found.claim, found.path));
    return place !== '..' && !place.startsWith('../') && /^[a-z0-9]/.test(found.claim);
  });
  fc.assert(stays, { numRuns: 2000 });
  t.true(read > 50, `${read} of them were read`);
});

test('a URI has a claim and a path', (t) => {
  t.deepEqual(parsePvcUri('pvc://models/a/b.onnx'), { claim: 'models', path: 'a/b.onnx' });
  t.deepEqual(parsePvcUri('pvc://models/'), { claim: 'models', path: '' });
  for (const uri of ['pvc://models', 'pvc://Models/a', 'pvc://models/../other', 's3://models/a', ''])
    t.is(parsePvcUri(uri), undefined, uri);
});

test('a path may contain what Unicode calls a line break, as the apiserver accepts, and no line feed', (t) => {
  t.deepEqual(parsePvcUri('pvc://models/a\u2028b\r'), { claim: 'models', path: 'a\u2028b\r' });
  t.is(parseOciUri(`oci://${pinned}/a\u2029b`)?.path, 'a\u2029b');
  t.is(parseS3Uri('s3://models/a\u2028b')?.key, 'a\u2028b');
  for (const uri of ['pvc://models/a\nb', `oci://${pinned}/a\nb`, 's3://models/a\nb'])
    for (const parse of [parsePvcUri, parseOciUri, parseS3Uri]) t.is(parse(uri), undefined);
});

const pinned = `registry.example.com:5000/team/models@sha256:${'a'.repeat(64)}`;

test('a URI of an image has its digest and a path inside it', (t) => {
  const digest = 'a'.repeat(64);
  t.deepEqual(parseOciUri(`oci://${pinned}/a/b.onnx`), { image: pinned, digest, path: 'a/b.onnx' });
  t.deepEqual(parseOciUri(`oci://${pinned}/images/`), { image: pinned, digest, path: 'images' });
  for (const uri of [
    'oci://registry.example.com/models:v1/a',
    `oci://${pinned}`,
    `oci://${pinned}/../a`,
    `oci://${pinned}/a/./b`,
    `pvc://${pinned}/a`,
    '',
  ])
    t.is(parseOciUri(uri), undefined, uri);
});
