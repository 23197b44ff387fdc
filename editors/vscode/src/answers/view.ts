import { answerId, isWriting, type Conversation } from "./conversation";
import { metaLine } from "./meta";
import { escape, render } from "./render";

/** What the answers view is told; it holds no state beside it. */
export interface Shown {
  title: string;
  turns: { html: string; writing: boolean }[];
  meta: string;
  status: string;
  writing: boolean;
  canAsk: boolean;
}

const SAID = { writing: "Writing…", done: "", cancelled: "Cancelled.", failed: "Failed." };

/** Returns a conversation as the view shows it. */
export function shown(conversation: Conversation): Shown {
  const last = conversation.turns.at(-1);
  const info = conversation.turns.findLast((turn) => turn.info !== undefined)?.info;
  const writing = isWriting(conversation);
  return {
    title: plainTitle(conversation.title),
    turns: conversation.turns.map((turn) => ({
      html:
        (turn.question ? `<h2 class="question">${escape(turn.question)}</h2>` : "") +
        render(turn.markdown) +
        (turn.state === "failed" || turn.state === "cancelled"
          ? `<p class="note ${turn.state}">${escape(turn.note || SAID[turn.state])}</p>`
          : ""),
      writing: turn.state === "writing",
    })),
    meta: info && !writing ? metaLine(info) : "",
    status: last ? (writing && last.note ? last.note : SAID[last.state]) : "",
    writing,
    canAsk: !writing && answerId(conversation) !== undefined,
  };
}

/** Returns a title without the marks of markdown. */
export function plainTitle(title: string): string {
  return title.replaceAll("`", "");
}

/** Returns the page of the view; `script` and `style` are what it may load, nothing else is. */
export function page(nonce: string, source: string, script: string, style: string): string {
  const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>aiex</title>
</head>
<body>
<header>
<h1 id="title"></h1>
<span id="status" role="status"></span>
<button id="cancel" type="button" hidden>Cancel</button>
</header>
<main id="answer" aria-live="polite" tabindex="-1"></main>
<form id="form" hidden>
<label for="followup">Ask about this answer</label>
<div class="row">
<textarea id="followup" rows="2" placeholder="Why? What if…?"></textarea>
<button id="ask" type="submit">Ask</button>
</div>
</form>
<footer id="meta"></footer>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
