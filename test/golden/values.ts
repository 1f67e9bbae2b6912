/** Golden values: what pure functions make of the golden inputs. */
import type { Functions } from './functions.ts';
import { networkNames } from './inputs.ts';
import { deviceClasses, modelExports, plainValues, tensorfiles } from './objects.ts';

type Files = Readonly<Record<string, Uint8Array>>;

const graphs = ({ quantise, half }: Functions, files: Files): Files =>
  Object.fromEntries(
    networkNames.flatMap((name) => {
      const model = files[`model in the .etlt of ${name}`]!;
      const cache = (algorithm: string) =>
        Buffer.from(files[`calibration cache of ${name} by ${algorithm}`]!).toString();
      return [
        [`Q/DQ graph of ${name} by Entropy`, quantise(model, cache('Entropy'))],
        [`Q/DQ graph of ${name} by MinMax`, quantise(model, cache('MinMax'))],
        [`half graph of ${name}`, half(model)],
      ];
    }),
  );

const keys = (functions: Functions): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    Object.entries(plainValues).map(([name, value]) => [
      `content key of ${name}`,
      functions.contentKey(value),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(modelExports).flatMap(([name, each]) => [
      [`export key of ${name}`, functions.exportKey(each)],
      ...(each.spec.calibration ? [[`histograms key of ${name}`, functions.histogramsKey(each)]] : []),
      ...Object.entries(deviceClasses).map(([device, deviceClass]) => [
        `engine key of ${name} on ${device}`,
        functions.engineKey(each, deviceClass),
      ]),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(tensorfiles).map(([name, each]) => [
      `tensorfile key of ${name}`,
      functions.tensorfileKey(each),
    ]),
  ),
});

/** Golden name → graph as bytes, or key as text. */
export const goldenValues = (
  functions: Functions,
  files: Files,
): Readonly<Record<string, Uint8Array | string>> => ({ ...graphs(functions, files), ...keys(functions) });
