import { assertEquals } from "@std/assert";
import { readRefusal } from "./refusal.ts";

Deno.test("readRefusal: the status that releases of today give", () => {
  for (
    const [status, body, modern, mayPass] of [
      [401, "Unauthorized", 401, false],
      [500, "Unauthorized", 401, false],
      [500, '{"code":2,"message":"record not found","details":[]}', 404, false],
      [
        500,
        '{"code":2,"message":"node no longer exists in NodeStore: 9","details":[]}',
        404,
        false,
      ],
      [400, '{"code":3,"message":"record not found","details":[]}', 404, false],
      [404, '{"title":"Not Found","status":404,"detail":"node not found"}', 404, false],
      [400, '{"code":3,"message":"bad","details":[]}', 400, false],
      [500, '{"code":2,"message":"database is locked","details":[]}', 500, true],
      [500, "page not found", 500, true],
      [501, '{"code":12,"message":"Method Not Allowed","details":[]}', 501, false],
      [503, "", 503, true],
      [429, "slow down", 429, true],
    ] satisfies [number, string, number, boolean][]
  ) {
    const refusal = readRefusal({ status, statusText: "", body });
    assertEquals([refusal.status, refusal.mayPass], [modern, mayPass], body);
  }
});

Deno.test("readRefusal: the words of both kinds of errors and of texts, in one line", () => {
  for (
    const [status, statusText, body, text] of [
      [404, "Not Found", '{"code":5,"message":"Not Found","details":[]}', "404 Not Found"],
      [409, "Conflict", '{"title":"Conflict","status":409}', "409 Conflict"],
      [
        400,
        "",
        '{"title":"T","detail":"D","errors":[{"message":"a\\nb"},{"location":"x"}]}',
        "400: D: a b",
      ],
      [400, "Bad Request", '{"errors":null}', "400 Bad Request"],
      [418, "", "I am\n a teapot", "418: I am a teapot"],
      [418, "", "<!doctype html><p>long", "418"],
      [418, "", "x".repeat(400), `418: ${"x".repeat(300)}...`],
      [418, "", "", "418"],
    ] satisfies [number, string, string, string][]
  ) assertEquals(readRefusal({ status, statusText, body }).text, text);
});
