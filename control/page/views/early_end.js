/** The early-end question to the other, and the word to the one who proposed. */

import { h, setText } from "../element.js";
import { countdown } from "../times.js";

export function earlyEnd(app) {
  const { t } = app;
  const name = app.partner.name;
  const answer = (action) => () => app.act((api) => action(api, app.consultation.id));
  const accept = h(
    "button",
    {
      class: "primary",
      type: "button",
      testid: "early-end-accept",
      onclick: answer((api, id) => api.acceptEarlyEnd(id)),
    },
    t("earlyEnd.accept"),
  );
  const refuse = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "early-end-refuse",
      onclick: answer((api, id) => api.refuseEarlyEnd(id)),
    },
    t("earlyEnd.refuse"),
  );
  const left = h("p", { class: "hint" });
  const title = h("h2", { id: "early-end-title", tabindex: "-1" }, t("earlyEnd.title", { name }));
  // Not modal: the microphone must stay within reach while one makes up one's mind.
  const question = h(
    "dialog",
    {
      class: "card window question",
      role: "alertdialog",
      testid: "early-end-question",
      "aria-labelledby": "early-end-title",
      "aria-describedby": "early-end-text",
    },
    title,
    h("p", { id: "early-end-text" }, t("earlyEnd.text")),
    left,
    h("div", { class: "row foot" }, refuse, accept),
  );
  const [text, clock] = [h("span"), h("span", { class: "clock", "aria-hidden": "true" })];
  const pending = h(
    "p",
    { class: "pending", role: "status", testid: "early-end-pending", hidden: true },
    text,
    clock,
  );
  const update = () => {
    const proposal = app.consultation.early_end;
    const mine = proposal?.by === app.user.role;
    const asked = proposal !== null && !mine;
    const time = proposal ? countdown(proposal.lapses_at - app.now()) : "";
    pending.hidden = !mine;
    if (mine) {
      setText(text, t("earlyEnd.pending", { name }));
      setText(clock, time);
    }
    if (asked) setText(left, t("earlyEnd.left", { time }));
    if (asked && !question.open) {
      question.show();
      title.focus();
    } else if (!asked && question.open) question.close();
  };
  return { pending, question, update };
}
