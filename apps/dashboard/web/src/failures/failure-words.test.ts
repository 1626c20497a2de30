import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { failureWords } from "./failure-words.ts";

const PAGE = readFileSync(new URL("../../../../../docs/errors.md", import.meta.url), "utf8");
const ROW = /^\| `((?:media|storage)_\w+)` \| [^|]*\| [^|]*\| ([^|]*) \| ([^|]*) \|$/gmu;

test("every failure of a file is told as the list of errors tells it", () => {
  const rows = [...PAGE.matchAll(ROW)].map(([, code = "", meaning = "", advice = ""]) => ({
    code,
    words: { meaning, advice: advice.replaceAll("`", "") },
  }));
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.map(({ code }) => ({ code, words: failureWords(code) }))).toEqual(rows);
});

test("a code that is not known has no words", () => {
  expect(failureWords("constructor")).toBeNull();
  expect(failureWords("media_of_the_future")).toBeNull();
});
