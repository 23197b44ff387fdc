import assert from "node:assert/strict";
import { test } from "node:test";
import { definitions } from "../definitions";
import { asks, confirmed, filesOf } from "../edits/plan";
import { changed } from "../edits/text";

function at(line: number, character: number, endLine = line, end = character) {
  return { start: { line, character }, end: { line: endLine, character: end } };
}

test("changes are made at their places in the text as it was, in UTF-16", () => {
  const text = "a 😀 b\r\nc\r\n";
  const changes = [
    { range: at(1, 0, 1, 1), newText: "CC" },
    { range: at(0, 5, 0, 6), newText: "B" },
    { range: at(2, 0), newText: "d\n" },
  ];
  assert.equal(changed(text, changes), "a 😀 B\r\nCC\r\nd\n");
});

test("insertions at one place keep their order; a place beyond a line is its end", () => {
  const changes = [
    { range: at(0, 1), newText: "1" },
    { range: at(0, 1), newText: "2" },
  ];
  assert.equal(changed("ab", changes), "a12b");
  assert.equal(changed("a\nb", [{ range: at(9, 0), newText: "!" }]), "a\nb!");
});

const EDIT = {
  documentChanges: [
    { kind: "create" as const, uri: "file:///t.py", annotationId: "1" },
    {
      textDocument: { uri: "file:///t.py", version: null },
      edits: [{ range: at(0, 0), newText: "x", annotationId: "1" }],
    },
  ],
  changeAnnotations: { "1": { label: "Tests", needsConfirmation: true } },
};

test("an edit is told file by file", () => {
  const [file, ...others] = filesOf(EDIT) ?? [];
  assert.deepEqual([file?.uri, file?.creates, file?.changes.length], ["file:///t.py", true, 1]);
  assert.equal(others.length, 0);
  const plain = filesOf({ changes: { "file:///a": [{ range: at(0, 0), newText: "" }] } });
  assert.equal(plain?.[0]?.creates, false);
});

test("an edit that removes or renames files is not shown as a diff", () => {
  assert.equal(filesOf({ documentChanges: [{ kind: "delete", uri: "file:///a" }] }), undefined);
});

test("the server says by annotations whether to ask; once asked, none asks again", () => {
  assert.equal(asks(EDIT), true);
  assert.equal(asks(confirmed(EDIT)), false);
  assert.equal(asks({}), false);
});

test("definitions are found where no one tells symbols", () => {
  const text = [
    "def total(prices):",
    "    async def inner():",
    "class Cart:",
    "pub(crate) fn sum() {",
    "func (c *Cart) Total() int {",
    "export default async function load() {",
    "  def self.make",
    "call(def)",
    "# def no",
  ].join("\n");
  assert.deepEqual(
    definitions(text).map((one) => [one.line, one.character]),
    [
      [0, 4],
      [1, 14],
      [2, 6],
      [3, 14],
      [4, 15],
      [5, 30],
      [6, 11],
    ],
  );
});
