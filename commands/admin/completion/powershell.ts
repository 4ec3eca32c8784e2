/** Completion for PowerShell: Register-ArgumentCompleter, parameter set NativeSet. */
import { allNodes, type CommandNode, valueCases, wordsOf } from "./command_tree.ts";

/** A script that PowerShell reads. */
export function powershellScript(tree: CommandNode): string {
  const nodes = allNodes(tree);
  const places = nodes.map((node) => {
    const flags = node.options.flatMap((option) => option.flags);
    return `    ${quote(node.place)} = @{ Words = ${list(wordsOf(node))}; Options = ${
      list(flags)
    } }`;
  });
  const values = valueCases(tree).flatMap(({ places, option }) =>
    places.map((place) => `    ${quote(place)} = ${list(option.choices)}`)
  );
  return `# Completes ${tree.name} in PowerShell.
Register-ArgumentCompleter -Native -CommandName ${tree.name} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $places = @{
${places.join("\n")}
  }
  $values = @{
${values.join("\n")}
  }
  $place = ${quote(tree.place)}
  $previous = ''
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    if ($element.Extent.EndOffset -ge $cursorPosition) { break }
    $previous = $element.ToString()
    if ($places.ContainsKey("$place $previous")) { $place = "$place $previous" }
  }
  $candidates = if ($values.ContainsKey("$place $previous")) {
    $values["$place $previous"]
  } elseif ($wordToComplete -like '-*' -or $places[$place].Words.Count -eq 0) {
    $places[$place].Options
  } else {
    $places[$place].Words
  }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}`;
}

function list(words: readonly string[]): string {
  return `@(${words.map(quote).join(", ")})`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
