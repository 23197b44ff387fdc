/** A name that a line defines, and where. */
export interface Definition {
  line: number;
  character: number;
}

const WORDS =
  "export|default|declare|public|private|protected|internal|static|async|abstract|override|final|" +
  "open|suspend|pub(?:\\([^)]*\\))?|unsafe|const|extern|data|sealed";
const DEFINES = new RegExp(
  `^(\\s*(?:(?:${WORDS})\\s+)*(?:def|func|fn|function\\*?|fun|class)\\s+(?:\\([^)]*\\)\\s*)?(?:self\\.)?)[A-Za-z_$]`,
);

/**
 * Returns what looks like the definition of a function or class: for languages whose symbols
 * nobody tells VS Code.
 */
export function definitions(text: string): Definition[] {
  return text.split(/\r\n|\r|\n/).flatMap((content, line) => {
    const found = DEFINES.exec(content);
    return found ? [{ line, character: found[1]?.length ?? 0 }] : [];
  });
}
