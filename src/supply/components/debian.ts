/** Debian packages of a dpkg database. */
import type { Component } from './component.ts';

/** The packages whose files the Dockerfile copies into the builder image. */
export const copiedPackages = [
  'libexpat1',
  'libffi8',
  'libpython3.11-minimal',
  'libpython3.11-stdlib',
  'python3.11-minimal',
  'zlib1g',
] as const;

/** Packages of a dpkg `status` file, which has one paragraph per installed package; of all, or of the named ones. */
export const debianComponents = (status: string, names?: readonly string[]): readonly Component[] =>
  status.split(/\n\n+/).flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(paragraph)?.[1];
    const [name, version, arch] = [field('Package'), field('Version'), field('Architecture')];
    if (name === undefined || version === undefined || names?.includes(name) === false) return [];
    return [{ type: 'library', name, version, purl: `pkg:deb/debian/${name}@${version}?arch=${arch}` }];
  });
