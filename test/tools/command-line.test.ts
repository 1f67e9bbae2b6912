/** Command lines are parsed to typed values, or refused with a message that names the word. */
import test from 'ava';
import fc from 'fast-check';
import { parseCommandLine } from '../../src/adapters/cli/command-line.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { converterProgram } from '../../src/ground/contract/converter-program.ts';
import { exportFlags, tensorfileFlags } from '../../src/ground/contract/flags.ts';
import { modelPrograms } from '../../src/ground/contract/model-programs.ts';
import { operatorProgram } from '../../src/ground/contract/operator-program.ts';
import type { Program } from '../../src/ground/contract/program.ts';
import { exportProgram, tensorfileProgram } from '../../src/ground/contract/programs.ts';
import { anyText } from '../builders/any-text.ts';

const parseSample = (...argv: string[]) => parseCommandLine(tensorfileProgram, argv);
const required = ['-e', 'spec.txt', '-o', 'c.tensor', '-m', '10'];

test('a flag is accepted by each of its names, and the last value counts', (t) => {
  for (const argv of [
    ['ssd', ...required],
    ['ssd', '--experiment_spec', 'spec.txt', '--output', 'c.tensor', '--max_batches=10'],
    ['ssd', '--experiment_spec_file=spec.txt', '--output_path', 'c.tensor', '-m10'],
    ['-e', 'other.txt', ...required, 'ssd'],
    ['ssd', '-m', '3', ...required, '--experiment_spec', 'other.txt', '-e', 'spec.txt'],
  ]) {
    const { operands, values } = parseSample(...argv) as Exclude<
      ReturnType<typeof parseSample>,
      { help: string }
    >;
    t.deepEqual(operands, ['ssd']);
    t.like(values, { experiment_spec_file: 'spec.txt', output_path: 'c.tensor', max_batches: 10, seed: 42 });
  }
});

const parseExport = (...argv: string[]) => {
  const files = ['-m', 'model.tlt', '-k', 'key'];
  return parseCommandLine(exportProgram, ['ssd', ...files, ...argv]);
};

test('an unambiguous prefix of a TLT flag is accepted, as by argparse', (t) => {
  const { values } = parseExport(
    ...['--data', 'int8', '--max_b=4', '--cal_im', 'photos', '--engine', 'e.plan', '--strict'],
  ) as Exclude<ReturnType<typeof parseExport>, { help: string }>;
  t.like(values, { data_type: 'int8', max_batch_size: 4, cal_image_dir: 'photos' });
  t.like(values, { engine_file: 'e.plan', strict_type_constraints: true });
});

test('an ambiguous prefix is refused with all candidates, and additions have no prefixes', (t) => {
  const usage = (argv: string) => t.throws(() => parseExport(argv), { instanceOf: UserError }).message;
  t.regex(usage('--cal'), /--cal is ambiguous: --cal_data_file, --cal_image_dir, --cal_cache_file/);
  t.regex(usage('--min_agreemen=3'), /unknown flag --min_agreemen\. Did you mean --min_agreement\?/);
});

test('a mistyped flag is refused with the nearest known name', (t) => {
  const error = t.throws(() => parseSample('ssd', '--experiment_spek', 'spec.txt'), {
    instanceOf: UserError,
  });
  t.regex(error.message, /unknown flag --experiment_spek\. Did you mean --experiment_spec\?/);
});

test('every integer flag has a maximum, and a larger value is a usage error that names the range', (t) => {
  for (const [name, row] of Object.entries(exportFlags)) {
    if (row.type !== 'integer') continue;
    const most = parseCommandLine(exportProgram, [
      ...['ssd', '-m', 'model.tlt', '-k', 'key'],
      `--${name}=${row.maximum}`,
    ]);
    t.is(most.help, undefined);
    for (const value of [row.maximum + 1, 2_000_000_000_000_000, row.minimum - 1, '1e400', '-'])
      t.throws(() => parseExport(`--${name}=${value}`), {
        instanceOf: UserError,
        message: new RegExp(`--${name} is .*must be a whole number from ${row.minimum} to ${row.maximum}`),
      });
  }
  t.throws(() => parseExport('--batches', '2000000000'), { message: /from 1 to 100000/ });
});

test('any words give values or a usage error', (t) => {
  const names = Object.entries({ ...exportFlags, ...tensorfileFlags }).flatMap(([name, row]) =>
    [name, ...('aliases' in row ? row.aliases : [])].map((each: string) =>
      each.length === 1 ? `-${each}` : `--${each}`,
    ),
  );
  const word = fc.oneof(
    fc.constantFrom(...names, 'classification', 'ssd', '--', '-', '--=', '-m5', '--no-verbose', 'int8'),
    anyText({ maxLength: 8 }),
    fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 8 })).map((pair) => pair.join('=')),
  );
  const isSound = (parse: () => unknown): boolean => {
    try {
      parse();
      return true;
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      return thrown.reason === 'Usage';
    }
  };
  const property = fc.property(fc.array(word, { maxLength: 12 }), (argv) =>
    [
      () => parseCommandLine(exportProgram, argv),
      () => parseSample(...argv),
      () => parseCommandLine(modelPrograms.inspect, argv),
      () => parseCommandLine(modelPrograms.convert, argv),
      () => parseCommandLine(operatorProgram, argv),
      () => parseCommandLine(converterProgram, argv),
    ].every(isSound),
  );
  fc.assert(property, { numRuns: 1000 });
  t.pass();
});

const programs: readonly Program[] = [
  converterProgram,
  exportProgram,
  tensorfileProgram,
  operatorProgram,
  ...Object.values<Program>(modelPrograms),
];

test('the groups of every program list each of its flags once', (t) => {
  for (const { name, flags, groups } of programs)
    t.deepEqual(groups.flatMap((group) => group.flags).toSorted(), Object.keys(flags).toSorted(), name);
});

const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

test('the help of every program shows each flag, its default and the examples', (t) => {
  for (const program of programs) {
    const { help } = parseCommandLine(program, ['--help']);
    for (const [name, row] of Object.entries(program.flags)) {
      t.regex(help!, new RegExp(`--${name}\\b`), `${program.name} --${name}`);
      if (row.type !== 'switch' && row.default !== undefined)
        t.true(inOneLine(help!).includes(`Default: ${row.default}.`), `${program.name} --${name}`);
    }
    for (const example of program.examples) t.true(help!.includes(example), example);
    t.true(
      help!.split('\n').every((line) => line.length <= 120),
      program.name,
    );
  }
});

test('the operator refuses an invalid number of workers', (t) => {
  for (const workers of ['abc', '0', '', '65', '1.5'])
    t.throws(() => parseCommandLine(operatorProgram, ['--workers', workers]), {
      message: /--workers is .*must be a whole number from 1 to 64\. See operator --help/,
    });
  t.throws(() => parseCommandLine(operatorProgram, ['start']), { message: /unexpected argument 'start'/ });
});
