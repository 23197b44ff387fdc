import type { Range } from "../protocol";

/** What LSP calls a `TextEdit`. */
export interface TextChange {
  range: Range;
  newText: string;
}

/** Returns a text with changes made; their places are those of the text as it is now. */
export function changed(text: string, changes: readonly TextChange[]): string {
  const starts = lineStarts(text);
  const offset = (at: Range["start"]) =>
    Math.min((starts[at.line] ?? text.length) + at.character, starts[at.line + 1] ?? text.length);
  const placed = changes.map((one, order) => ({
    start: offset(one.range.start),
    end: offset(one.range.end),
    text: one.newText,
    order,
  }));
  placed.sort((a, b) => a.start - b.start || a.order - b.order);
  let result = "";
  let done = 0;
  for (const one of placed) {
    result += text.slice(done, one.start) + one.text;
    done = Math.max(done, one.end);
  }
  return result + text.slice(done);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const found of text.matchAll(/\r\n|\r|\n/g)) starts.push(found.index + found[0].length);
  return starts;
}
