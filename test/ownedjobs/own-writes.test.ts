/** What a decision from a cache that is behind must not repeat. */
import test from 'ava';
import { cacheGraceMs, OwnWrites } from '../../src/cluster/ownedjobs/own-writes.ts';
import { HandClock } from '../base/hand-clock.ts';

test('the cache is outdated until it shows another version than the replaced one', (t) => {
  const writes = new OwnWrites(new HandClock());
  t.false(writes.isBehind('vision/demo', '7'));
  writes.noteStatus('vision/demo', '7');
  t.true(writes.isBehind('vision/demo', '7'));
  t.false(writes.isBehind('vision/demo', '8'));
  t.false(writes.isBehind('vision/other', '7'));
});

test('a cache that stays outdated for longer is used again', async (t) => {
  const clock = new HandClock();
  const writes = new OwnWrites(clock);
  writes.noteStatus('vision/demo', '7');
  writes.noteJob('vision/demo-export');
  await clock.pass(cacheGraceMs);
  t.false(writes.isBehind('vision/demo', '7'));
  t.false(writes.wasCreated('vision/demo-export'));
});

test('a Job is created once while the cache does not show it, and again after it is deleted', (t) => {
  const writes = new OwnWrites(new HandClock());
  t.false(writes.wasCreated('vision/demo-export'));
  writes.noteJob('vision/demo-export');
  t.true(writes.wasCreated('vision/demo-export'));
  writes.forgetJob('vision/demo-export');
  t.false(writes.wasCreated('vision/demo-export'));
});
