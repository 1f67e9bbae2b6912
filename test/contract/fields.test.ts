/** Names of settings in messages: each reader sees the names of its own interface. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { converterFlags } from '../../src/ground/contract/converter-program.ts';
import { audienceOf, type Field, field, nameFields } from '../../src/ground/contract/fields.ts';
import { exportFlags } from '../../src/ground/contract/flags.ts';
import { objectStorageFlags } from '../../src/ground/contract/s3-flags.ts';
import { readSources } from '../sources.ts';

const text = readSources()
  .filter(({ imports }) => imports.some(({ target }) => target === 'ground/contract/fields.ts'))
  .map((source) => source.text)
  .join('\n');

/** Every setting that a message in the sources names. */
const used = [...new Set([...text.matchAll(/\bfield\('(\w+)'\)/g)].map(([, name]) => name as Field))];

test('a message names each setting in the form of its reader', (t) => {
  t.true(used.length > 10);
  const message = used.map(field).join(' ');
  for (const audience of ['converter', 'flag', 'spec'] as const)
    t.notRegex(nameFields(message, audience), /[\u27e8\u27e9]/, audience);
  t.is(nameFields(`Lower ${field('batches')}.`, 'flag'), 'Lower --batches.');
  t.is(nameFields(`Lower ${field('batches')}.`, 'spec'), 'Lower spec.calibration.batches.');
});

test('user input that looks like a placeholder is unchanged', (t) => {
  t.is(
    nameFields('tensor \u27e8x\u27e9 \u27e8toString\u27e9', 'flag'),
    'tensor \u27e8x\u27e9 \u27e8toString\u27e9',
  );
});

test('every flag that a message names is a flag of tlt-export, tlt-converter or tlt-model fetch', (t) => {
  for (const name of used) {
    const flag = nameFields(field(name), 'flag').replace(/^-+/, '');
    const known = Object.entries({ ...exportFlags, ...converterFlags, ...objectStorageFlags }).flatMap(
      ([long, row]) => [long, ...('aliases' in row ? row.aliases : [])],
    ) as readonly string[];
    t.true(known.includes(flag), `${name}: ${flag}`);
  }
});

test('tlt-converter names a flag of its own in its own meaning, or says that it is one of tlt-export', (t) => {
  for (const name of used) {
    const words = nameFields(field(name), audienceOf('tlt-converter'));
    if (Object.hasOwn(objectStorageFlags, words.replace(/^--/, ''))) continue; // It reads no object storage.
    t.is(Object.hasOwn(converterFlags, words.replace(/^--/, '')), !words.endsWith(' of tlt-export'), words);
  }
  t.is(nameFields(field('experimentSpec'), audienceOf('tlt-converter')), '--experiment_spec');
  t.is(nameFields(field('experimentSpec'), audienceOf('tlt-export')), '-e');
});

test('every spec field that a message names is in the CRD', (t) => {
  const crd = readFileSync(new URL('../../docs/reference/modelexport.md', import.meta.url), 'utf8');
  for (const name of used) {
    const path = nameFields(field(name), 'spec');
    if (path.startsWith('spec.')) t.true(crd.includes(`\`${path}\``), `${name}: ${path}`);
  }
});
