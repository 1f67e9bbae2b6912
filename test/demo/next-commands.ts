/** Commands of the kubectl plugin that a person may want after the demo. */

/**
 * @param name of the ModelExport
 * @param namespace of the ModelExport
 * @param hasClaim whether the files are in a claim, which `report` and `fetch` read through a pod
 */
export const nextCommands = (name: string, namespace: string, hasClaim: boolean): readonly string[] => {
  const on = (command: string) => `kubectl modelexport ${command} ${name} -n ${namespace}`;
  const reading = [on('report'), `${on('fetch')} --class cpu`];
  return [on('status'), ...(hasClaim ? reading : []), 'kubectl modelexport hardware'];
};
