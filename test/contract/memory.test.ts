/** Four places set the same memory settings. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { memorySettings } from '../../src/ground/contract/memory.ts';

const lineOf = (path: string, pattern: RegExp): string | undefined =>
  readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8')
    .split('\n')
    .find((line) => pattern.test(line));

const environment = Object.entries(memorySettings.environment).map((entry) => entry.join('='));
const flags = memorySettings.nodeFlags.join(' ');

test('the image has the memory settings', (t) => {
  t.is(lineOf('Dockerfile', /^ENV MALLOC/), `ENV ${environment.join(' ')} NODE_OPTIONS=${flags}`);
});

for (const tool of ['tlt-export', 'tlt-int8-tensorfile'])
  test(`${tool} has the memory settings in its first line`, (t) => {
    t.is(lineOf(`src/${tool}.ts`, /^#!/), `#!/usr/bin/env -S ${environment.join(' ')} node ${flags}`);
  });
