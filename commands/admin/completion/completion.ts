/** `headcni completion`: scripts by which shells complete our commands, made of the commands themselves. */
import { Argument, type Command, type Option } from "commander";
import { NOT_OF_A_NODE } from "../cluster/run_on_nodes.ts";
import { targetOptions } from "../cluster/target.ts";
import { bashScript } from "./bash.ts";
import { type CommandNode, commandTree } from "./command_tree.ts";
import { fishScript } from "./fish.ts";
import { powershellScript } from "./powershell.ts";
import { zshScript } from "./zsh.ts";

const SCRIPTS = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
} as const satisfies Record<string, (tree: CommandNode) => string>;

const HELP = `
To have it in every shell from now on, as root:
  bash        headcni completion bash >/etc/bash_completion.d/headcni
  zsh         headcni completion zsh >/usr/local/share/zsh/site-functions/_headcni
  fish        headcni completion fish >/etc/fish/completions/headcni.fish
  powershell  headcni completion powershell >>$PROFILE

Examples:
  headcni completion bash
  headcni completion fish | source`;

/** Defines the subcommand. */
export function define(completion: Command): void {
  completion
    .addArgument(new Argument("<shell>", "whose script").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", HELP)
    .action((shell: keyof typeof SCRIPTS) =>
      console.log(SCRIPTS[shell](commandTree(completion.parent ?? completion, targetsOf)))
    );
}

/** Those that name nodes, of what can be run on one. */
function targetsOf([command = ""]: readonly string[]): readonly Option[] {
  return NOT_OF_A_NODE.includes(command) ? [] : targetOptions();
}
