/** The commands of the pages that need no cluster, with the real tools. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { encryptEtlt } from '../builders/encrypted.ts';
import { aFolder } from '../builders/tool.ts';
import { typeAtPrompts } from '../formats/age-binary.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { blocksOf, pages } from './blocks.ts';
import { prepareInputs } from './inputs.ts';
import { mount, type Storage, startStorage } from './mounted.ts';
import { makeReader } from './reader.ts';
import { findWay, ways } from './ways.ts';

let storage: Storage;
test.before(async () => {
  storage = await startStorage();
});
test.after.always(() => storage?.stop());

for (const page of pages.filter((each) => (ways[each] ?? []).some(([, way]) => way === 'tools')))
  test(`the tools do what ${page} shows`, async (t) => {
    const reader = makeReader({ NODE_EXTRA_CA_CERTS: storage.authority });
    t.teardown(reader.leave);
    await prepareInputs(reader.folder, page);
    const inPlace = await mount(reader.folder, page, storage);
    for (const block of blocksOf(page))
      if (findWay(block)?.[1] === 'tools') await reader.follow(inPlace(block));
    t.pass();
  });

test('the line of docs/first-export.md opens an .etlt, with the key typed on a terminal', async (t) => {
  const folder = aFolder();
  const model = await smallClassifier();
  writeFileSync(join(folder, 'model.etlt'), await encryptEtlt(model, 'correct horse'));
  const { text } = blocksOf('docs/first-export.md').find((block) => block.text.includes('age --decrypt'))!;
  const { status, output } = typeAtPrompts(['bash', '-c', text], 'correct horse', folder);
  t.is(status, 0, output);
  t.true(readFileSync(join(folder, 'model.onnx')).equals(model));
});
