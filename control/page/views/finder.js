/** Finding specialists by a word, and adding them to «Записани». */

import { h, icon } from "../element.js";
import { addressOf } from "../places.js";

const SEARCH_PAUSE_MS = 250;

export function finder(app) {
  const { t } = app;
  const results = h("ul", { class: "found", testid: "find-results", "aria-live": "polite" });
  let timer = null;
  let added = new Set();
  const add = async (id) => {
    if (await app.act((api) => api.addSpecialist(id))) await app.loadSpecialists();
    input.focus();
  };
  const row = ({ id, name, summary }) =>
    h(
      "li",
      { "data-id": id },
      h(
        "span",
        { class: "grow" },
        h("a", { href: addressOf("specialist", id), testid: `found-specialist-${id}` }, name),
        h("small", {}, summary),
      ),
      h("span", { class: "added" }, icon("check"), t("home.added")),
      h(
        "button",
        {
          class: "secondary",
          type: "button",
          testid: `add-specialist-${id}`,
          "aria-label": t("home.addNamed", { name }),
          onclick: () => add(id),
        },
        icon("plus"),
        t("home.add"),
      ),
    );
  const mark = () => {
    for (const each of results.children) each.classList.toggle("mine", added.has(each.dataset.id));
  };
  const search = async () => {
    const asked = input.value.trim();
    const found = asked ? await app.api.findSpecialists(asked).catch(() => null) : [];
    if (asked !== input.value.trim()) return; // typed on meanwhile
    const none = h("li", { class: "none" }, t(found ? "home.notFound" : "notice.unreachable"));
    results.replaceChildren(...(asked && !found?.length ? [none] : found.map(row)));
    mark();
  };
  const input = h("input", {
    id: "find",
    type: "search",
    autocomplete: "off",
    placeholder: t("home.findHint"),
    testid: "find-input",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(search, SEARCH_PAUSE_MS);
    },
  });
  const element = h(
    "section",
    { class: "finder" },
    h("label", { for: "find" }, t("home.find")),
    h("div", { class: "field" }, icon("search"), input),
    results,
  );
  const update = (ids) => {
    if (ids.size === added.size && [...ids].every((id) => added.has(id))) return;
    added = ids;
    mark();
  };
  return { element, update };
}
