/** Completion for bash 4 and later: bash(1), "Programmable Completion". */
import { allNodes, type CommandNode, valueCases, wordsOf } from "./command_tree.ts";

/** A script that bash reads. */
export function bashScript(tree: CommandNode): string {
  const nodes = allNodes(tree);
  const values = valueCases(tree).map(({ places, option: { value, choices } }) =>
    `    ${pattern(places)}) ${
      choices.length > 0
        ? `words=${quote(choices.join(" "))}`
        : value === "file"
        ? "compopt -o default; return"
        : "return"
    } ;;`
  );
  const places = nodes.map((node) => {
    const flags = node.options.flatMap((option) => option.flags);
    const rest = node.takesFile ? "; compopt -o default" : "";
    return `      ${pattern([node.place])}) words=${quote(wordsOf(node).join(" "))}; ` +
      `options=${quote(flags.join(" "))}${rest} ;;`;
  });
  return `# Completes ${tree.name} in bash.
_${tree.name}() {
  local at place=${tree.name} words= options=
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  # Bash breaks --option=value into three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$place \${COMP_WORDS[at]}" in
    ${pattern(nodes.slice(1).map(({ place }) => place))})
      place="$place \${COMP_WORDS[at]}" ;;
    esac
  done
  COMPREPLY=()
  case "$place $previous" in
${values.join("\n")}
    *)
      case "$place" in
${places.join("\n")}
      esac
      if [[ $current == -* || -z $words ]]; then words=$options; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _${tree.name} ${tree.name}`;
}

function pattern(places: readonly string[]): string {
  return places.map((place) => `"${place}"`).join(" | ");
}

function quote(text: string): string {
  return `"${text}"`;
}
