/** The page about licences in the documentation. */
import type { Component } from '../components/component.ts';
import { allowedLicences } from './policy.ts';

export type ImagePart = { readonly title: string; readonly components: readonly Component[] };

/** Sections of Markdown: the policy, and the packages of each part of the images by licence, which they have. */
export const licenceSections = (parts: readonly ImagePart[]): readonly string[] => [
  'A package with another licence, or with none, stops the build of its image. Licences are those that packages state; ' +
    'what a package contains in turn is in its own notices, which the images keep. The base image is left to its publisher.',
  '## What the policy allows',
  ['| Licence | What it takes to distribute an image |', '| --- | --- |']
    .concat(Object.entries(allowedLicences).map(([licence, duty]) => `| ${licence} | ${duty} |`))
    .join('\n'),
  ...parts.flatMap(({ title, components }) => [`## ${title}`, byLicence(components)]),
];

const byLicence = (components: readonly Component[]): string => {
  const groups = Map.groupBy(components, (component) => component.licenses?.[0]?.expression ?? 'unknown');
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([licence, packages]) => {
      const names = packages.map(({ name, version }) => (version ? `${name} ${version}` : name)).sort();
      return `- **${licence}**: ${names.join(', ')}`;
    })
    .join('\n');
};
