/** A text that is outside of the YAML that we read; says what to write instead. */
export class YamlFault extends Error {
  override readonly name = "YamlFault";
}
