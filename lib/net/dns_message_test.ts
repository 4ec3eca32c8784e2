import { assertEquals } from "@std/assert";
import { encodeDnsQuestion, readDnsCode } from "./dns_message.ts";

Deno.test("encodeDnsQuestion: one question for the addresses of a name", () => {
  assertEquals(
    encodeDnsQuestion(0xabcd, "a.example").toHex(),
    "abcd01000001000000000000" + "0161" + "076578616d706c65" + "00" + "00010001",
  );
});

Deno.test("readDnsCode: the code of an answer to this question alone", () => {
  const answer = (flags: string) => Uint8Array.fromHex(`abcd${flags}0001000000000000`);
  assertEquals(readDnsCode(answer("8180"), 0xabcd), "NOERROR");
  assertEquals(readDnsCode(answer("8183"), 0xabcd), "NXDOMAIN");
  assertEquals(readDnsCode(answer("818b"), 0xabcd), "code 11");
  assertEquals(readDnsCode(answer("8180"), 0xabce), undefined);
  assertEquals(readDnsCode(answer("0100"), 0xabcd), undefined, "a question");
  assertEquals(readDnsCode(answer("8180").subarray(0, 11), 0xabcd), undefined);
});
