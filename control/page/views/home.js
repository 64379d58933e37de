/** The client's specialists, «Записани», live, and finding more. */

import { h, icon, setText } from "../element.js";
import { addressOf } from "../places.js";
import { openRequests } from "../screens.js";
import { countdown, initials } from "../times.js";
import { askButton, termsList } from "./ask.js";
import { finder } from "./finder.js";
import { presence } from "./presence.js";

export function home(app) {
  const { t } = app;
  const list = h("ul", { class: "specialists", testid: "specialist-list" });
  const empty = h("p", { class: "empty", hidden: true }, t("home.empty"));
  const title = h("h1", { tabindex: "-1" }, t("home.title"));
  const [asked, find] = [pending(app), finder(app)];
  const cards = new Map();
  const removed = () => title.focus(); // the button that had the focus is gone
  const update = () => {
    const specialists = app.specialists ?? [];
    empty.hidden = app.specialists === null || specialists.length > 0;
    const ids = new Set(specialists.map(({ id }) => id));
    for (const [id, { element }] of cards)
      if (!ids.has(id)) {
        element.remove();
        cards.delete(id);
      }
    for (const specialist of specialists) {
      if (!cards.has(specialist.id)) {
        const made = card(app, specialist, removed);
        cards.set(specialist.id, made);
        list.append(made.element);
      }
      cards.get(specialist.id).update(specialist);
    }
    asked.update();
    find.update(ids);
  };
  const check = h(
    "a",
    { href: addressOf("devices"), class: "check", testid: "home-check" },
    t("home.check"),
  );
  const top = h("div", { class: "row" }, title, check);
  return {
    element: h("section", { class: "home" }, top, asked.element, empty, list, find.element),
    update,
  };
}

/** The requests that wait for an answer, while one looks around. */
function pending(app) {
  const { t } = app;
  const element = h("ul", { class: "awaited", testid: "pending-requests" });
  const rows = new Map();
  const row = ({ id, specialist }) => {
    const left = h("span", { class: "clock" });
    const item = h(
      "li",
      {},
      icon("clock"),
      h("span", { class: "grow" }, t("home.pending", { name: specialist.name }), " ", left),
      h("a", { href: addressOf("request", id), testid: `pending-${id}` }, t("home.pendingOpen")),
    );
    element.append(item);
    return { item, left };
  };
  const update = () => {
    const requests = openRequests([...app.consultations.values()]);
    const ids = new Set(requests.map(({ id }) => id));
    for (const [id, { item }] of rows)
      if (!ids.has(id)) {
        item.remove();
        rows.delete(id);
      }
    for (const each of requests) {
      if (!rows.has(each.id)) rows.set(each.id, row(each));
      setText(rows.get(each.id).left, countdown(each.accept_by - app.now()));
    }
    element.hidden = requests.length === 0;
  };
  return { element, update };
}

function card(app, { id }, removed) {
  const { t } = app;
  const [signs, terms, ask] = [presence(app), termsList(app), askButton(app, id)];
  const avatar = h("span", { class: "avatar specialist", "aria-hidden": "true" });
  const name = h("a", { href: addressOf("specialist", id), testid: `open-specialist-${id}` });
  const summary = h("p", { class: "summary", testid: "summary" });
  const remove = h(
    "button",
    {
      class: "quiet remove",
      type: "button",
      testid: `remove-specialist-${id}`,
      onclick: async () => {
        if (!(await app.act((api) => api.removeSpecialist(id)))) return;
        await app.loadSpecialists();
        removed();
      },
    },
    icon("close"),
  );
  const update = (specialist) => {
    signs.update(specialist);
    terms.update(specialist);
    ask.update(specialist);
    setText(avatar, initials(specialist.name));
    setText(name, specialist.name);
    setText(summary, specialist.summary);
    const label = t("home.removeNamed", { name: specialist.name });
    remove.setAttribute("aria-label", label);
    remove.title = label;
  };
  const element = h(
    "li",
    { class: "card specialist", testid: `specialist-${id}`, "aria-labelledby": `name-${id}` },
    h("div", { class: "person" }, avatar, signs.element),
    h(
      "div",
      { class: "about" },
      h("div", { class: "row" }, h("h2", { id: `name-${id}` }, name), remove),
      summary,
      terms.element,
      ask.element,
    ),
  );
  return { element, update };
}
