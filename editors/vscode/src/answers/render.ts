import MarkdownIt from "markdown-it";
import { highlight } from "./highlight";

const markdown = new MarkdownIt({ html: false, linkify: true });
markdown.validateLink = (url) => /^(https?:|mailto:)/i.test(url.trim());

// Pictures would fetch what the model names, from wherever it says: they become links.
markdown.renderer.rules.image = (tokens, index) => {
  const token = tokens[index];
  const source = escape(String(token?.attrGet("src") ?? ""));
  return `<a href="${source}">${escape(token?.content || "picture")}</a>`;
};

markdown.renderer.rules.fence = (tokens, index) => {
  const token = tokens[index];
  const language = (token?.info ?? "").trim().split(/\s+/)[0] ?? "";
  return block(token?.content ?? "", language);
};
markdown.renderer.rules.code_block = (tokens, index) => block(tokens[index]?.content ?? "", "");

/** Returns an answer's markdown as HTML: no HTML, script or picture of the answer's own. */
export function render(text: string): string {
  return markdown.render(text);
}

/** Returns text with the characters of HTML escaped. */
export function escape(text: string): string {
  return markdown.utils.escapeHtml(text);
}

function block(code: string, language: string): string {
  const name = escape(language);
  const label = name ? `Copy ${name} code` : "Copy code";
  return (
    `<div class="code"><button class="copy" type="button" aria-label="${label}">Copy</button>` +
    `<pre tabindex="0"><code data-language="${name}">${highlight(code, language) ?? escape(code)}</code></pre></div>\n`
  );
}
