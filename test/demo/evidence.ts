/** What explains an export that does not get where a test expects it: its Jobs, pods and events, and what the operator logged. */
import { labels, ownerLabels } from '../../src/cluster/api/labels.ts';
import type { DemoCluster } from '../cluster/cluster.ts';

/** In which namespaces to look. */
export type Place = { readonly namespace: string; readonly operatorNamespace: string };

const lastLines = 40;

/** Text for the error of a test. A part that cannot be read says why, and the others follow. */
export const collectEvidence = async (
  { kubectl }: DemoCluster,
  name: string,
  { namespace, operatorNamespace }: Place,
): Promise<string> => {
  const of = ['-n', namespace, '-l', `${ownerLabels.ModelExport.name}=${name}`];
  const operator = ['-n', operatorNamespace, '-l', 'app.kubernetes.io/name=tlt-export-operator'];
  const aboutIt = (text: string) =>
    text
      .split('\n')
      .filter((line) => line.includes(name))
      .slice(-lastLines)
      .join('\n');
  const parts: readonly (readonly [string, readonly string[], (text: string) => string])[] = [
    ['Jobs', ['get', 'jobs', ...of, '-o', `jsonpath=${statusOf}`], String],
    ['Pods', ['get', 'pods', ...of, '-o', `jsonpath=${statusOf}`], String],
    ['Pods by stage', ['get', 'pods', '-n', namespace, '-L', labels.stage, '-o', 'wide'], String],
    ['Events', ['get', 'events', '-n', namespace, '--sort-by=.lastTimestamp'], aboutIt],
    ['Logs of pods', ['logs', ...of, '--all-containers', '--prefix', `--tail=${lastLines}`], String],
    ['Log of the operator', ['logs', ...operator, '--tail=-1'], aboutIt],
  ];
  const texts = parts.map(async ([title, args, select]) => {
    const text = await kubectl(args).then(select, (thrown: Error) => `not read: ${thrown.message}`);
    return `--- ${title}\n${text.trim()}`;
  });
  return (await Promise.all(texts)).join('\n');
};

const statusOf =
  '{range .items[*]}{.metadata.name}{" "}{.metadata.creationTimestamp}{" "}{.status}{"\\n"}{end}';
