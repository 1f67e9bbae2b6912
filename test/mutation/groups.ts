/** What is mutated, and the tests that must notice. */
export type Group = {
  readonly name: string;
  readonly files: readonly string[];
  readonly tests: readonly string[];
};

export const groups: readonly Group[] = [
  {
    name: 'calibration histograms',
    files: ['src/calibration/histograms/*.ts'],
    tests: ['test/calibration/*.test.ts'],
  },
  {
    name: 'Q/DQ arithmetic',
    files: [
      'src/graph/precision/{pair-rules,qdq,qdq-weights,qdq-placement,qat-clip,qat-quantiser,qat-ranges}.ts',
    ],
    tests: ['test/engines/{qat-arithmetic,qdq-arithmetic,qdq-rules,qdq-placement}.test.ts'],
  },
  {
    name: 'content keys and Job names',
    files: ['src/cluster/jobs/{key-table,keys,names,template}.ts', 'src/ground/base/digest.ts'],
    tests: ['test/jobs/{key-content,keys,names}.test.ts'],
  },
];
