/** Completion for fish 3: complete(1). */
import { allNodes, type CommandNode, type OptionNode } from "./command_tree.ts";

/** A script that fish reads. */
export function fishScript(tree: CommandNode): string {
  const nodes = allNodes(tree);
  const lines = nodes.flatMap(({ place, children, choices, options, takesFile }) => {
    const begin = `complete -c ${tree.name} -n ${quote(`__${tree.name}_is_at "${place}"`)}`;
    return [
      ...children.map(({ name, description }) =>
        `${begin} -a ${quote(name)} -d ${quote(description)}`
      ),
      ...choices.map((choice) => `${begin} -a ${quote(choice)}`),
      ...takesFile ? [`${begin} -F`] : [],
      ...options.map((option) => `${begin} ${optionText(option)}`),
    ];
  });
  return `# Completes ${tree.name} in fish.
function __${tree.name}_is_at
  set -l place ${tree.name}
  for word in (commandline -opc)[2..]
    switch "$place $word"
      case ${nodes.slice(1).map(({ place }) => quote(place)).join(" ")}
        set place "$place $word"
    end
  end
  test "$place" = "$argv[1]"
end
complete -c ${tree.name} -f
${lines.join("\n")}`;
}

function optionText({ flags, description, value, choices }: OptionNode): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`
  );
  const takes = choices.length > 0
    ? [`-x -a ${quote(choices.join(" "))}`]
    : { none: [], file: ["-r -F"], other: ["-x"] }[value];
  return [...names, ...takes, `-d ${quote(description)}`].join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
