/** Which advisories of npm stop a build, and which are tolerated until when: pure. */

/** An advisory that does not concern us, or that has no fix yet. */
export type Tolerated = {
  /** As in its address: GHSA-…. */
  readonly id: string;
  /** Why the images are safe meanwhile. */
  readonly reason: string;
  /** Last day (UTC) on which it is tolerated, YYYY-MM-DD: at most a quarter ahead, so that someone looks again. */
  readonly until: string;
};

export const tolerated: readonly Tolerated[] = [];

const stopping: readonly string[] = ['high', 'critical'];

type Advisory = {
  readonly name: string;
  readonly title: string;
  readonly url: string;
  readonly severity: string;
  readonly range: string;
};

/** What `npm audit --json` prints (version 2 of its report), or an error in its place. */
export type AuditReport = {
  readonly auditReportVersion?: number;
  /** Package → its advisories; a name in place of an advisory is a package that it depends on. */
  readonly vulnerabilities?: Readonly<Record<string, { readonly via: readonly (Advisory | string)[] }>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
};

export type Verdict = {
  /** `unanswered`: the registry said nothing about advisories, so nothing was checked. */
  readonly kind: 'accepted' | 'refused' | 'unanswered';
  readonly lines: readonly string[];
};

const idOf = ({ url }: Advisory): string => url.slice(url.lastIndexOf('/') + 1);

const advisoriesOf = ({ vulnerabilities = {} }: AuditReport): readonly Advisory[] => {
  const all = Object.values(vulnerabilities).flatMap(({ via }) =>
    via.filter((each) => typeof each !== 'string'),
  );
  return [...new Map(all.map((each) => [`${each.name} ${each.url}`, each])).values()];
};

/**
 * Refuses an advisory of severity high or critical that no entry tolerates today.
 * @param today YYYY-MM-DD, UTC.
 */
export const judgeAudit = (
  report: AuditReport,
  today: string,
  entries: readonly Tolerated[] = tolerated,
): Verdict => {
  if (report.auditReportVersion !== 2) {
    const cause = report.message || report.error?.summary || 'its report has another form';
    return {
      kind: 'unanswered',
      lines: [`NOT CHECKED: the registry gave no answer about advisories (${cause}). Run it where it does.`],
    };
  }
  const grave = advisoriesOf(report).filter(({ severity }) => stopping.includes(severity));
  const current = new Set(entries.filter(({ until }) => until >= today).map(({ id }) => id));
  const refused = grave.filter((advisory) => !current.has(idOf(advisory)));
  const lines = [
    ...refused.map((each) => describe(each, entries)),
    ...entries
      .filter(({ id }) => !grave.some((advisory) => idOf(advisory) === id))
      .map(({ id }) => `${id} is tolerated, but no package has it any more: remove the entry.`),
  ];
  if (refused.length > 0) return { kind: 'refused', lines };
  const summary = `No production package has an advisory of severity ${stopping.join(' or ')} that is not tolerated.`;
  return { kind: 'accepted', lines: [...lines, summary] };
};

const describe = (advisory: Advisory, entries: readonly Tolerated[]): string => {
  const { name, range, severity, title, url } = advisory;
  const expired = entries.find(({ id }) => id === idOf(advisory));
  const remedy = expired
    ? `It was tolerated until ${expired.until}: update the package, or look again and extend the entry.`
    : 'Update the package, or tolerate the advisory with a reason in test/supply/audit-policy.ts.';
  return `${name} ${range}: ${severity}: ${title} (${url}). ${remedy}`;
};
