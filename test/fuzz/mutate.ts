/** Damages inputs: bytes of binary formats, tokens of text, values of JSON. Equal seeds give equal damage. */

/** An integer from 0 to `below` − 1. */
export type Random = (below: number) => number;

/** xorshift128: fast, and equal on every machine. */
export const randomFrom = (seed: number): Random => {
  let [a, b, c, d] = [seed | 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
  return (below) => {
    const t = a ^ (a << 11);
    [a, b, c] = [b, c, d];
    d = d ^ (d >>> 19) ^ t ^ (t >>> 8);
    return (d >>> 0) % Math.max(1, below);
  };
};

const oneOf = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

/** Values that tend to break readers: limits of ranges, signs, and sizes larger than any file. */
const numbers: readonly bigint[] = [
  0n,
  1n,
  7n,
  127n,
  128n,
  255n,
  2n ** 16n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const inPlace =
  (change: (bytes: Uint8Array, at: number, random: Random) => void): Change =>
  (bytes, random) => {
    const copy = bytes.slice();
    if (copy.length > 0) change(copy, random(copy.length), random);
    return copy;
  };

const joinBytes = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const setNumber = (width: number) =>
  inPlace((bytes, at, random) => {
    let value = oneOf(random, numbers);
    const isBig = random(2) === 0;
    for (let i = 0; i < width && at + i < bytes.length; i++, value >>= 8n)
      bytes[isBig ? Math.min(bytes.length - 1, at + width - 1 - i) : at + i] = Number(value & 255n);
  });

const byteChanges: readonly Change[] = [
  inPlace((bytes, at, random) => bytes.set([bytes[at]! ^ (1 << random(8))], at)),
  inPlace((bytes, at, random) => bytes.set([random(256)], at)),
  inPlace((bytes, at) => bytes.set([bytes[at]! + 1], at)),
  setNumber(1),
  setNumber(2),
  setNumber(4),
  setNumber(8),
  (bytes, random) => bytes.slice(0, random(bytes.length + 1)),
  (bytes, random) => {
    const [at, length] = [random(bytes.length + 1), 1 + random(64)];
    return joinBytes(bytes.subarray(0, at), bytes.subarray(at + length));
  },
  (bytes, random) => {
    const [from, at, length] = [random(bytes.length), random(bytes.length + 1), 1 + random(256)];
    return joinBytes(bytes.subarray(0, at), bytes.subarray(from, from + length), bytes.subarray(at));
  },
  (bytes, random, other) => {
    const [from, at, length] = [random(other.length), random(bytes.length + 1), 1 + random(1024)];
    return joinBytes(
      bytes.subarray(0, at),
      other.subarray(from, from + length),
      bytes.subarray(at + random(2) * length),
    );
  },
];

/** Makes one to four changes, usually one, because heavily damaged inputs are refused at their first byte. */
export const mutateBytes = (bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array => {
  let changed = bytes;
  for (let left = 1 + (random(3) === 0 ? random(4) : 0); left > 0; left--)
    changed = oneOf(random, byteChanges)(changed, random, other);
  return changed;
};

const words = [
  '0',
  '-1',
  '1e308',
  'NaN',
  '-inf',
  '9007199254740993',
  '18446744073709551616',
  '0x',
  '""',
  "'",
  '\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '\n',
  '\0',
  '__proto__',
  '#',
  '\u{1F600}',
  '.',
  '/',
  '*',
];

/** Replaces numbers and words, duplicates or removes lines, or damages bytes. */
export const mutateText = (bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array => {
  if (random(3) === 0) return mutateBytes(bytes, random, other);
  const tokens = Buffer.from(bytes)
    .toString('latin1')
    .split(/(\s+|[{}:,"[\]<>])/);
  const theirs = Buffer.from(other)
    .toString('latin1')
    .split(/(\s+|[{}:,"[\]<>])/);
  for (let left = 1 + random(3); left > 0; left--) {
    const at = random(tokens.length);
    const replacement = random(2) === 0 ? oneOf(random, words) : oneOf(random, theirs);
    const kept = [[], [replacement], [tokens[at]!, tokens[at]!], [replacement, tokens[at]!]][random(4)]!;
    tokens.splice(at, 1, ...kept);
  }
  return new Uint8Array(Buffer.from(tokens.join(''), 'latin1'));
};

const values: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  'x'.repeat(300),
  '\u001b[2J\n',
  [],
  {},
  [[]],
  '__proto__',
  [null],
];

/** Replaces, removes, duplicates or moves a nested value; one call in eight damages the text instead. */
export const mutateJson = (bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array => {
  return random(8) === 0 ? mutateText(bytes, random, other) : mutateValues(bytes, random);
};

/** The same for JSON text; the result is always valid JSON. */
export const mutateValues = (bytes: Uint8Array, random: Random): Uint8Array => {
  const root: unknown = parseOrEmpty(bytes);
  for (let left = 1 + random(3); left > 0; left--) change(root, random);
  return new Uint8Array(Buffer.from(JSON.stringify(root) ?? 'null'));
};

const parseOrEmpty = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return {};
  }
};

type Holder = Record<string, unknown>;

/** Walks down at random, then changes the member that it reaches. */
const change = (root: unknown, random: Random): void => {
  let holder = root as Holder;
  for (let depth = random(12); typeof holder === 'object' && holder !== null; depth--) {
    const key = oneOf(random, Object.keys(holder));
    if (key === undefined) return;
    const inner = holder[key];
    if (depth > 0 && typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0) {
      holder = inner as Holder;
      continue;
    }
    const kind = random(4);
    if (kind === 0) delete holder[key];
    else if (kind === 1 && Array.isArray(holder)) holder.push(inner);
    else if (kind === 2) holder[oneOf(random, Object.keys(holder))!] = inner;
    else holder[key] = structuredClone(oneOf(random, values)); // a copy, so that the list of values does not change
    return;
  }
};
