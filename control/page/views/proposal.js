/** A proposal: the window in which the other one answers, and the line to the one who made it. */

import { h, setText } from "../element.js";
import { countdown } from "../times.js";

/**
 * `name` begins the test ids, `title` and `body` say what is proposed; `accept` and `refuse` are
 * taken from the API. `show(lapsesAt)` opens it, `show(null)` closes it.
 */
export function question(app, { name, title, body, accept, refuse }) {
  const { t } = app;
  const heading = h("h2", { id: `${name}-title`, tabindex: "-1" }, title);
  const left = h("p", { class: "hint" });
  const button = (kind, testid, words, action) =>
    h("button", { class: kind, type: "button", testid, onclick: () => answer(action) }, words);
  const buttons = [
    button("secondary", `${name}-refuse`, t("proposal.refuse"), refuse),
    button("primary", `${name}-accept`, t("proposal.accept"), accept),
  ];
  const answer = async (action) => {
    for (const each of buttons) each.disabled = true;
    await app.act((api) => action(api, app.consultation.id));
    for (const each of buttons) each.disabled = false;
  };
  // Not modal: the microphone must stay within reach while one makes up one's mind.
  const element = h(
    "dialog",
    {
      class: "card window question",
      role: "alertdialog",
      testid: `${name}-question`,
      "aria-labelledby": heading.id,
      "aria-describedby": `${name}-text`,
    },
    heading,
    h("div", { id: `${name}-text` }, body),
    left,
    h("div", { class: "row foot" }, buttons),
  );
  const show = (lapsesAt) => {
    if (lapsesAt === null) {
      if (element.open) element.close();
      return;
    }
    setText(left, t("proposal.left", { time: countdown(lapsesAt - app.now()) }));
    if (element.open) return;
    element.show();
    heading.focus();
  };
  return { element, show };
}

/** `show(words, lapsesAt)` says what was proposed, `show(null)` nothing. */
export function pending(app, { name, withdraw }) {
  const { t } = app;
  const [text, clock] = [h("span"), h("span", { class: "clock", "aria-hidden": "true" })];
  const back = h(
    "button",
    {
      class: "secondary small",
      type: "button",
      testid: `${name}-withdraw`,
      onclick: async () => {
        back.disabled = true;
        await app.act((api) => withdraw(api, app.consultation.id));
        back.disabled = false;
      },
    },
    t("proposal.withdraw"),
  );
  const element = h(
    "div",
    { class: "pending", testid: `${name}-pending`, hidden: true },
    h("p", { role: "status" }, text),
    clock,
    back,
  );
  const show = (words, lapsesAt = 0) => {
    element.hidden = words === null;
    setText(text, words ?? "");
    setText(clock, words === null ? "" : countdown(lapsesAt - app.now()));
  };
  return { element, show };
}
