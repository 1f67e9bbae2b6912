/** `completion`: shell completion of commands, flags and values, from the table of programs. Pure. */
import { namesOf } from '../../ground/contract/flag-table.ts';
import type { Program } from '../../ground/contract/program.ts';

/** Commands of the plugin by name. */
export type Programs = Readonly<Record<string, Program>>;

/**
 * The script for a shell. `kubectl` is the program kubectl_complete-modelexport, which the completion of kubectl calls with the
 * words after `modelexport`. zsh loads the script of bash through its own bashcompinit.
 */
export const completionScript = (shell: string, programs: Programs): string => {
  if (shell === 'kubectl') return kubectlScript(programs);
  return shell === 'zsh'
    ? `autoload -U +X bashcompinit && bashcompinit\n${bashScript(programs)}`
    : bashScript(programs);
};

const bashScript = (programs: Programs): string => `_kubectl_modelexport() {
  local count="$COMP_CWORD" command="\${COMP_WORDS[1]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=""
${chooseWords(programs)}
  COMPREPLY=( $(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}") )
}
complete -F _kubectl_modelexport kubectl-modelexport
`;

/** The last line of the output is cobra's directive not to complete file names (ShellCompDirectiveNoFileComp). */
const kubectlScript = (programs: Programs): string => `#!/bin/sh
count="$#" command="$1" before="" last="" words=""
for word in "$@"; do before="$last" last="$word"; done
${chooseWords(programs)}
for word in $words; do case "$word" in "$last"*) echo "$word" ;; esac; done
echo :4
`;

/** Sets $words from $count, the number of words; $command, the first of them; and $before, the one before the last. */
const chooseWords = (programs: Programs): string => {
  const entries = Object.entries(programs);
  return `  if [ "$count" -eq 1 ]; then
    words="${entries.map(([name]) => name).join(' ')}"
  else
    case "$command $before" in
${entries.flatMap(([name, program]) => valueCases(name, program)).join('\n')}
      *)
        case "$command" in
${entries.map(([name, program]) => `          ${name}) words="${wordsOf(program).join(' ')}" ;;`).join('\n')}
        esac ;;
    esac
  fi`;
};

/** After a flag: its values, or nothing if the value is free text. */
const valueCases = (command: string, { flags }: Program): readonly string[] =>
  Object.entries(flags).flatMap(([name, row]) => {
    if (row.type === 'switch') return [];
    const patterns = namesOf([name, row]).map((each) => `"${command} ${dashed(each)}"`);
    return [`      ${patterns.join('|')}) words="${row.type === 'choice' ? row.values.join(' ') : ''}" ;;`];
  });

const wordsOf = ({ operands, flags }: Program): readonly string[] => [
  ...(operands.kind === 'module' ? operands.values : []),
  ...Object.entries(flags).flatMap((entry) => namesOf(entry).map(dashed)),
];

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
