/** The commands of the pages that need no cluster, with the real tools. */
import test from 'ava';
import { blocksOf, pages } from './blocks.ts';
import { prepareInputs } from './inputs.ts';
import { makeReader } from './reader.ts';
import { findWay, ways } from './ways.ts';

for (const page of pages.filter((each) => (ways[each] ?? []).some(([, way]) => way === 'tools')))
  test(`the tools do what ${page} shows`, async (t) => {
    const reader = makeReader({});
    t.teardown(reader.leave);
    await prepareInputs(reader.folder, page);
    for (const block of blocksOf(page)) if (findWay(block)?.[1] === 'tools') await reader.follow(block);
    t.pass();
  });
