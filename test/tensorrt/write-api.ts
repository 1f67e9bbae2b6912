/** Entry: writes fixtures/tensorrt/api.json again from the bindings on PyPI (`npm run generate:tensorrt-api`). */
import { writeFileSync } from 'node:fs';
import { apiTableFile, makeApiTable } from './api-table.ts';

const { versions, ...tables } = await makeApiTable();
const lines = (value: object, indent: string): string =>
  Object.entries(value)
    .map(([name, part]) => `${indent}${JSON.stringify(name)}: ${JSON.stringify(part)}`)
    .join(',\n');
const groups = Object.entries(tables).map(
  ([group, table]) => `  ${JSON.stringify(group)}: {\n${lines(table, '    ')}\n  }`,
);
writeFileSync(apiTableFile, `{\n  "versions": ${JSON.stringify(versions)},\n${groups.join(',\n')}\n}\n`);
