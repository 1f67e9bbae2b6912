/** The text format is parsed like in protobuf, and errors are reported with their positions. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  all,
  bool,
  enumeration,
  float,
  int32,
  type MessageType,
  map,
  message,
  repeated,
  string,
  uint32,
} from '../../src/data/specs/schema.ts';
import { classificationSchema } from '../../src/data/specs/schemas/classification.ts';
import {
  dssdSchema,
  retinanetSchema,
  ssdSchema,
  yoloSchema,
} from '../../src/data/specs/schemas/detection.ts';
import { detectnetSchema } from '../../src/data/specs/schemas/detectnet.ts';
import { fasterRcnnSchema } from '../../src/data/specs/schemas/faster-rcnn.ts';
import { runPeer } from '../peers/venv.ts';
import { type Decoded, decoded, withoutEither } from './decoded.ts';

const schemas: Readonly<Record<string, MessageType>> = {
  classification: classificationSchema,
  detectnet_v2: detectnetSchema,
  ssd: ssdSchema,
  dssd: dssdSchema,
  retinanet: retinanetSchema,
  yolo: yoloSchema,
  faster_rcnn: fasterRcnnSchema,
};

const inner = message({ ...all(int32, 'x y'), name: string });
const everything = message(
  {
    ...all(string, 's s2'),
    ...all(float, 'f f2'),
    b: bool,
    i: int32,
    u: uint32,
    e: enumeration('ZERO', 'ONE', 'TWO'),
    m: inner,
    many: repeated(inner),
    numbers: repeated(float),
    words: repeated(string),
    means: map(float),
    boxes: map(inner),
    ...all(uint32, 'one other'),
  },
  ['one', 'other'],
);

type Case = { readonly schema: MessageType; readonly text: string };

const accepted: readonly string[] = [
  '',
  '# nothing but a comment',
  'i: 1 # after a value\nu:2#and again\n',
  'i: 1, u: 2; b: true',
  'i:-1 u: 0x1F f: .5 f2: 5e-05',
  'i: 010 f: 1. f2: 1.5f',
  'i: -2147483648 u: 4294967295',
  'f: inf f2: -inf',
  'f: nan f2: 103.9',
  'f: 3 f2: -0.0',
  'f: 1e39 f2: 2E-2',
  'b: True',
  'b: t',
  'b: 1',
  'b: 0',
  'b: False',
  'e: TWO',
  'e: 1',
  's: "one" " string" \' here\'',
  's: "quotes \\" and \\\' and \\\\, \\n\\t\\r\\a\\b\\f\\v"',
  's: "\\303\\274 \\xc3\\xbc ü \\u00fc \\U0001F600"',
  's: "#no comment" s2: \'{ } : "\'',
  'm { x: 1 }',
  'm: { x: 1 }',
  'm < x: 1 >',
  'm: { x: 1 y: 2 } m { y: 3 }',
  'i: 1 i: 2 s: "a" s: "b"',
  'many { x: 1 } many: { x: 2 }',
  'many: [{ x: 1 }, { x: 2 }] many [{ x: 3 }]',
  'numbers: [1, 2.5, -3] numbers: 4 numbers: []',
  'words: ["a", \'b\' "c"]',
  'means { key: "r" value: 123.68 } means: { key: \'g\', value: 1 } means { value: 3 key: "r" }',
  'means [{ key: "a" value: 1 }, { key: "b" }]',
  'boxes { key: "car" value { x: 1 } } boxes { key: "car" value: { y: 2 } }',
  'one: 0',
  'one: 1 other: 2',
  'other: 1 one: 2',
  'm {} many {}',
  'm{x:1}many{x:2}i:3',
];

const refused: readonly string[] = [
  'i 1',
  'i: ',
  'i: 1.5',
  'i: "1"',
  'i: 2147483648',
  'u: -1',
  'u: 08',
  'f: "1.0"',
  'f: 1.0/3.0',
  'f: 1.2.3',
  'f: x',
  'b: 2',
  'b: "true"',
  'b: yes',
  'e: THREE',
  's: unquoted',
  's: "not closed',
  's: "not\nclosed"',
  's: "\\xff"',
  'm: 1',
  'm { x: 1',
  'm { x: 1 >',
  'm { z: 1 }',
  '}',
  'i: [1]',
  'numbers: [1,]',
  'numbers: [1 2]',
  'numbers: [1, 2',
  'unknown: 1',
  'i: 1 : 2',
  'i: @',
  '[ext.field]: 1',
  '"s": 1',
];

const peerAnswers = async (cases: readonly Case[]): Promise<readonly Decoded[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-text-format-'));
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
  await runPeer('text_format.py', [join(folder, 'cases.json'), join(folder, 'answers.json')]);
  return JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as readonly Decoded[];
};

const specFolder = join(import.meta.dirname, '..', 'fixtures', 'specs');
const specCases = readdirSync(specFolder).map((file): Case => {
  const text = readFileSync(join(specFolder, file), 'utf8');
  return { schema: withoutEither(schemas[file.split('-')[0]!]!, /optimizer:\s*"/.test(text)), text };
});
const cases = [...specCases, ...[...accepted, ...refused].map((text) => ({ schema: everything, text }))];

test("specs of all modules, and every corner of the format, read as protobuf's own parser reads them", async (t) => {
  const theirs = await peerAnswers(cases);
  t.is(specCases.length, 14);
  for (const [index, { schema, text }] of cases.entries()) {
    const ours = decoded(text, schema);
    const peer = theirs[index]!;
    if ('error' in peer) t.true('error' in ours, `accepted here: ${text}\nthere: ${peer.error}`);
    else t.deepEqual(ours, peer, text.slice(0, 200));
  }
  t.is(theirs.filter((answer) => 'error' in answer).length, refused.length);
});

const says = test.macro({
  exec: (t, text: string, expected: RegExp) => {
    const found = decoded(text, everything);
    t.regex('error' in found ? found.error : JSON.stringify(found), expected);
  },
  title: (_given, text: string, expected: RegExp) =>
    `${JSON.stringify(text.slice(0, 40))} → ${expected.source}`,
});
test(says, 'i: 1\n  nam: "x"', /^2:3 nam: unknown field/);
test(says, 'word: "x"', /did you mean words\?/);
test(
  says,
  'm {\n\tx: 1\n\ty: z\n}',
  /^3:5 m\.y: an integer from -2147483648 to 2147483647 is required, found z/,
);
test(says, 'many {} many { x: "1" }', /^1:19 many\[1\]\.x: .*found a quoted string/);
test(says, 'e: FOUR', /one of ZERO, ONE, TWO is required, found FOUR/);
test(says, "s: 'a\n", /^1:4 this string has no closing quote/);
test(says, `${'m { '.repeat(99)}`, /the text ends, but '}' is expected/);
test(says, `${'m { '.repeat(101)}`, /^1:403 messages are nested more than 100 levels deep/);
test(says, 's: "\\q"', /^1:4 this string has an unknown escape/);
test(says, 'i: \u{1F600}', /U\+1F600/);

test("the escape \\? is a question mark, as the format says; Python's parser leaves it as it is", (t) => {
  t.deepEqual(decoded('s: "\\?"', everything), { value: { s: '?' } });
});

test('a value in place of a string is not shown, because it can be a key', (t) => {
  const found = decoded('s: nvidia_tlt', everything);
  t.true('error' in found && !found.error.includes('nvidia_tlt'));
});
