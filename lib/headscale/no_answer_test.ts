import { assertEquals } from "@std/assert";
import { explainNoAnswer } from "./no_answer.ts";

/** As Deno's fetch throws it. */
function thrown(text: string): Error {
  const start = "error sending request for url (https://hs.example/): client error (Connect): ";
  return new TypeError("fetch failed", { cause: new Error(start + text) });
}

Deno.test("explainNoAnswer: says what a person does about it, or that it may pass", () => {
  const unknown = thrown("invalid peer certificate: UnknownIssuer");
  assertEquals(explainNoAnswer(unknown, false), {
    text:
      "client error (Connect): invalid peer certificate: UnknownIssuer: its certificate is of " +
      "no CA that is known here; set headscale.caFile to that CA",
    mayPass: false,
  });
  const other = "its certificate is not of the CA in headscale.caFile; put the right one there";
  assertEquals(explainNoAnswer(unknown, true).text.endsWith(other), true);
  for (
    const [text, advice] of [
      ["invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "CA:FALSE"],
      ['invalid peer certificate: certificate not valid for name "h"', "headscale.url to a name"],
      ["invalid peer certificate: certificate expired: verification time 1", "the clock"],
      ["invalid peer certificate: BadEncoding", "see headscale.caFile"],
      ["received corrupt message of type InvalidContentType", "http in the place of https"],
      ["invalid HTTP version parsed", "https in the place of http"],
    ] satisfies [string, string][]
  ) {
    const told = explainNoAnswer(thrown(text), false);
    assertEquals([told.text.includes(advice), told.mayPass], [true, false], told.text);
  }
  const passing = thrown("tcp connect error: Connection refused (os error 111)");
  assertEquals(explainNoAnswer(passing, false), {
    text: "client error (Connect): tcp connect error: Connection refused (os error 111)",
    mayPass: true,
  });
});
