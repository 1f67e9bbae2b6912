/**
 * Networks of every structure, each in fp16 and int8: exit 0 means that the export is covered, compared and reported. An
 * export in fp32 has the same ONNX file and no engine; `npm run generated` makes it too.
 */
import test from 'ava';
import { evaluateExports } from './evaluate.ts';
import { alone } from './networks.ts';
import { structures } from './structures.ts';

test('every structure is exported with coverage, comparison and report, or refused by name', async (t) => {
  t.true(Object.keys(structures).length >= 60, `${Object.keys(structures).length} structures`);
  const outcomes = await evaluateExports(alone(), ['fp16', 'int8']);
  const wrong = outcomes.filter(({ problems }) => problems.length > 0);
  t.deepEqual(
    wrong.map(({ name, dataType, problems }) => `${name} ${dataType}: ${problems.join('; ')}`),
    [],
  );
  const refused = outcomes.flatMap(({ name, dataType, refused: why }) =>
    why ? [`${name} ${dataType}: ${why.reason} ${why.message}`] : [],
  );
  t.deepEqual(refused, []);
});
