/** One's consultations, newest first; each leads to its record. */

import { h, setText } from "../element.js";
import { addressOf } from "../places.js";
import { stateKey } from "../screens.js";
import { duration, moment, price } from "../times.js";

export function historyList(app) {
  const { t } = app;
  const list = h("ol", { class: "history", testid: "history" });
  const empty = h("p", { class: "empty", hidden: true }, t("history.empty"));
  const more = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "history-more",
      onclick: async () => {
        more.disabled = true;
        const before = list.children.length;
        await app.loadOlder();
        more.disabled = false;
        update();
        list.children[before]?.querySelector("a").focus(); // where reading goes on
      },
    },
    t("history.more"),
  );
  const rows = new Map();
  let order = "";
  const update = () => {
    const all = [...app.consultations.values()];
    all.sort((a, b) => b.requested_at - a.requested_at || (a.id < b.id ? -1 : 1));
    for (const each of all) {
      if (!rows.has(each.id)) rows.set(each.id, row(app, each));
      rows.get(each.id).update(each);
    }
    const now = all.map(({ id }) => id).join(" ");
    if (now !== order) list.replaceChildren(...all.map(({ id }) => rows.get(id).element));
    order = now;
    empty.hidden = all.length > 0;
    more.hidden = app.older === null;
  };
  return {
    element: h("section", { class: "page" }, h("h1", {}, t("history.title")), empty, list, more),
    update,
  };
}

function row(app, { id, terms, requested_at: at, purpose, ...people }) {
  const { t, language } = app;
  const { role } = app.user;
  const { name } = people[role === "client" ? "specialist" : "client"];
  const state = h("span", { class: "badge", testid: "history-state" });
  const cost = price(terms.price, terms.currency, language);
  const element = h(
    "li",
    { class: "card", testid: `history-${id}` },
    h(
      "div",
      { class: "row" },
      h("h2", {}, h("a", { href: addressOf("consultation", id), testid: `record-${id}` }, name)),
      state,
    ),
    h("p", { class: "purpose" }, purpose),
    h(
      "p",
      { class: "hint" },
      `${moment(at, language)} · ${duration(terms.duration_s, t)} · ${cost}`,
    ),
  );
  const update = (consultation) => {
    state.dataset.state = consultation.state;
    setText(state, t(`state.${stateKey(consultation, role)}`));
  };
  return { element, update };
}
