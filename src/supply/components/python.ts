/** Python packages of a requirements file. */
import type { Component } from './component.ts';

/** Packages of a requirements file in which every line has a version and hashes; other lines are comments. */
export const pythonComponents = (requirements: string): readonly Component[] =>
  requirements
    .split('\n')
    .filter((line) => /^[a-z]/i.test(line))
    .map((line) => {
      const [, name, version] = /^([\w.-]+)==(\S+)/.exec(line)!;
      const hashes = [...line.matchAll(/--hash=sha256:([0-9a-f]{64})/g)].map(
        ([, content]) => ({ alg: 'SHA-256', content: content! }) as const,
      );
      return { type: 'library', name: name!, version: version!, purl: `pkg:pypi/${name}@${version}`, hashes };
    });
