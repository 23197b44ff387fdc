/** The script of the answers view: shows what it is told, tells what is clicked. */
import type { Shown } from "../src/answers/view";

declare function acquireVsCodeApi(): {
  postMessage(message: unknown): void;
  getState(): string | undefined;
  setState(question: string): void;
};

const host = acquireVsCodeApi();
const answer = element("answer");
const form = element("form") as HTMLFormElement;
const question = element("followup") as HTMLTextAreaElement;
const cancel = element("cancel") as HTMLButtonElement;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/** Makes `box` hold `html`; blocks that stay the same are not touched, so that nothing flickers. */
function update(box: Element, html: string): void {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  const fresh = [...wanted.content.children];
  const old = [...box.children];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same]?.isEqualNode(fresh[same] ?? null)) {
    same += 1;
  }
  for (const gone of old.slice(same)) gone.remove();
  box.append(...fresh.slice(same));
}

function show(shown: Shown): void {
  const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 40;
  element("title").textContent = shown.title;
  element("status").textContent = shown.status;
  element("meta").textContent = shown.meta;
  while (answer.children.length > shown.turns.length) answer.lastElementChild?.remove();
  shown.turns.forEach((turn, index) => {
    let box = answer.children[index];
    if (!box) {
      box = document.createElement("article");
      answer.append(box);
    }
    update(box, turn.html);
  });
  // Read aloud once it is whole, not word by word.
  answer.setAttribute("aria-busy", String(shown.writing));
  document.body.classList.toggle("writing", shown.writing);
  cancel.hidden = !shown.writing;
  form.hidden = !shown.canAsk;
  if (shown.writing && atEnd) window.scrollTo(0, document.body.scrollHeight);
}

function copy(button: HTMLElement): void {
  const code = button.parentElement?.querySelector("code")?.textContent ?? "";
  host.postMessage({ type: "copy", text: code });
  element("status").textContent = "Copied.";
}

window.addEventListener("message", (event: MessageEvent) => {
  if (event.data?.type === "show") show(event.data.shown as Shown);
});
cancel.addEventListener("click", () => host.postMessage({ type: "cancel" }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !cancel.hidden) host.postMessage({ type: "cancel" });
});
document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest("button.copy");
  if (button) copy(button as HTMLElement);
});
// A view that is hidden is thrown away: what was typed outlives it.
question.value = host.getState() ?? "";
question.addEventListener("input", () => host.setState(question.value));
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text) return;
  question.value = "";
  host.setState("");
  answer.focus();
  host.postMessage({ type: "ask", question: text });
});
host.postMessage({ type: "ready" });
