/** Completion for zsh: zshcompsys(1). */
import { allNodes, type CommandNode, valueCases } from "./command_tree.ts";

/** A script that zsh reads, from a folder of `fpath` or by `source`. */
export function zshScript(tree: CommandNode): string {
  const nodes = allNodes(tree);
  const values = valueCases(tree).map(({ places, option: { value, choices } }) => {
    const answer = choices.length > 0
      ? `compadd -- ${choices.join(" ")}`
      : value === "file"
      ? "_files"
      : "";
    return `    ${pattern(places)}) ${answer}; return ;;`;
  });
  const places = nodes.map(({ place, children, choices, options, takesFile }) => {
    const names = [
      ...children.map(({ name, description }) => described(name, description)),
      ...choices.map((choice) => described(choice, "")),
    ];
    const flags = options.flatMap((option) =>
      option.flags.map((flag) => described(flag, option.description))
    );
    return `    ${pattern([place])})
      names=(${names.join(" ")})
      options=(${flags.join(" ")})
      ${takesFile ? "[[ $PREFIX == -* ]] || _files" : ":"} ;;`;
  });
  return `#compdef ${tree.name}
# Completes ${tree.name} in zsh.
_${tree.name}() {
  local at place=${tree.name} previous=\${words[CURRENT-1]}
  local -a names options
  for ((at = 2; at < CURRENT; at++)); do
    case "$place \${words[at]}" in
    ${pattern(nodes.slice(1).map(({ place }) => place))})
      place="$place \${words[at]}" ;;
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    previous=\${PREFIX%%=*}
    compset -P '*='
  fi
  case "$place $previous" in
${values.join("\n")}
  esac
  case "$place" in
${places.join("\n")}
  esac
  if [[ $PREFIX == -* || \${#names} -eq 0 ]]; then
    _describe option options
  else
    _describe command names
  fi
}
if [[ \${funcstack[1]} == _${tree.name} ]]; then
  _${tree.name} "$@"
else
  compdef _${tree.name} ${tree.name}
fi`;
}

function pattern(places: readonly string[]): string {
  return places.map((place) => `"${place}"`).join(" | ");
}

/** As `_describe` takes it: a colon ends the word. */
function described(word: string, description: string): string {
  const text = description === "" ? word : `${word}:${description}`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
