/** Golden values that later commits changed on purpose: which, since when, and why. Everything else is as commit 75195d3 made it. */
export type Change = {
  /** Matches the names of the golden values. */
  readonly names: RegExp;
  readonly commit: string;
  readonly why: string;
};

export const changes: readonly Change[] = [
  {
    names: /^(export|histograms|tensorfile) key of /,
    commit: 'd1b7d46',
    why: 'A key hashes a table of field paths and leaves out defaults, so that fields of a later API change no key.',
  },
  {
    names: /^engine key of /,
    commit: 'd1b7d46',
    why: 'Also, an engine follows the digest of the model instead of that of the .etlt, which has another salt at each export.',
  },
  {
    names: /^engine key of an (int8 export|export that calibrates on the training set) on cpu$/,
    commit: 'c551204',
    why: 'Int8 engines of ONNX Runtime have Q/DQ pairs at other places: the version of their format is part of the key.',
  },
  {
    names:
      /^(Q\/DQ graph of |engine key of an (int8 export|export that calibrates on the training set) on ampere$)/,
    commit: '9ac33b4',
    why: 'MaxPool has no Q/DQ pair, because those of its readers move in front of it, and in a sum of two convolutions the pair is on the one that the other reads.',
  },
  {
    names: /^engine key of an (int8 export|export that calibrates on the training set) on cpu$/,
    commit: '7872f01',
    why: 'Int8 engines of ONNX Runtime choose their scales on held-out images: the version of their format is part of the key.',
  },
  {
    names: /^engine key of an (int8 export|export that calibrates on the training set) on cpu$/,
    commit: '61b81e9',
    why: 'Int8 engines of ONNX Runtime pool integers in another order and have no PRelu: the version of their format is part of the key.',
  },
];
