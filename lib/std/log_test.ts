import { assertEquals } from "@std/assert";
import { BaseHandler, getLogger, type LevelName, type LogRecord, setup } from "@std/log";

class MemoryHandler extends BaseHandler {
  readonly lines: string[] = [];

  override log(msg: string): void {
    this.lines.push(msg);
  }
}

const show = ({ levelName, level, loggerName, msg, args, datetime }: LogRecord) =>
  JSON.stringify([levelName, level, loggerName, msg, args, datetime instanceof Date]);

function setUp(level: LevelName, handlerLevel: LevelName): MemoryHandler {
  const memory = new MemoryHandler(handlerLevel, { formatter: show });
  setup({
    handlers: { memory },
    loggers: { default: { level, handlers: ["memory"] }, other: { handlers: ["gone", "memory"] } },
  });
  return memory;
}

Deno.test("getLogger: records reach the handler with what the caller gave", () => {
  const memory = setUp("DEBUG", "DEBUG");
  assertEquals(getLogger().debug("one", { a: 1 }), "one");
  getLogger().info("two");
  getLogger().warn("three");
  getLogger("other").error("four", 1, 2);
  assertEquals(memory.lines, [
    '["DEBUG",10,"default","one",[{"a":1}],true]',
    '["INFO",20,"default","two",[],true]',
    '["WARN",30,"default","three",[],true]',
    '["ERROR",40,"other","four",[1,2],true]',
  ]);
});

Deno.test("getLogger: the levels of logger and handler both count", () => {
  const strictHandler = setUp("DEBUG", "WARN");
  getLogger().info("dropped");
  getLogger().warn("kept");
  assertEquals(strictHandler.lines.length, 1);
  const strictLogger = setUp("ERROR", "DEBUG");
  getLogger().warn("dropped");
  getLogger().error("kept");
  assertEquals(strictLogger.lines.length, 1);
});

Deno.test("getLogger: a logger without set-up writes nothing", () => {
  const memory = setUp("DEBUG", "DEBUG");
  assertEquals(getLogger("unknown").error("dropped"), "dropped");
  assertEquals(memory.lines, []);
});

Deno.test("BaseHandler: the default format is level and text", () => {
  const memory = new MemoryHandler("INFO");
  setup({ handlers: { memory }, loggers: { default: { handlers: ["memory"] } } });
  getLogger().info("hello");
  assertEquals(memory.lines, ["INFO hello"]);
});
