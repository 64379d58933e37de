/** The client's specialists, live, and finding more. */

import { h, icon, setIcon, setText } from "../element.js";
import { reasonAgainst } from "../screens.js";
import { duration, initials, price } from "../times.js";
import { requestDialog } from "./request.js";

const SEARCH_PAUSE_MS = 250;

export function home(app) {
  const { t } = app;
  const list = h("ul", { class: "specialists", testid: "specialist-list" });
  const empty = h("p", { class: "empty", hidden: true }, t("home.empty"));
  const finder = find(app);
  const cards = new Map();
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
        const made = card(app, specialist);
        cards.set(specialist.id, made);
        list.append(made.element);
      }
      cards.get(specialist.id).update(specialist);
    }
    finder.update(ids);
  };
  return {
    element: h(
      "section",
      { class: "home" },
      h("h1", {}, t("home.title")),
      empty,
      list,
      finder.element,
    ),
    update,
  };
}

function card(app, { id }) {
  const { t } = app;
  const handset = h("span", { class: "presence", testid: "presence" });
  const camera = h("span", { class: "camera", testid: "camera" });
  const [handsetText, cameraText] = [h("span"), h("span")];
  const handsetIcon = icon("handset");
  handset.append(handsetIcon, handsetText);
  camera.append(icon("camera"), cameraText);
  const avatar = h("span", { class: "avatar specialist", "aria-hidden": "true" });
  const name = h("h2", { id: `name-${id}` });
  const summary = h("p", { class: "summary", testid: "summary" });
  const length = h("dd", { testid: "duration" });
  const cost = h("dd", { testid: "price" });
  const reason = h("p", { class: "reason", id: `reason-${id}`, testid: `request-reason-${id}` });
  const remove = h(
    "button",
    {
      class: "quiet remove",
      type: "button",
      testid: `remove-specialist-${id}`,
      onclick: async () => {
        if (await app.act((api) => api.removeSpecialist(id))) await app.loadSpecialists();
      },
    },
    icon("close"),
  );
  let known = null;
  // aria-disabled, not disabled: the button stays reachable and its reason is read out with it.
  const request = h(
    "button",
    {
      class: "primary",
      type: "button",
      testid: `request-button-${id}`,
      "aria-describedby": `reason-${id}`,
      onclick: () => {
        if (request.getAttribute("aria-disabled") === "false") requestDialog(app, known);
      },
    },
    icon("camera"),
    t("request.button"),
  );
  const update = (specialist) => {
    known = specialist;
    const { online, camera_ready: ready } = specialist.presence;
    handset.dataset.online = online;
    setIcon(handsetIcon, online ? "handset-on" : "handset");
    setText(handsetText, t(online ? "presence.online" : "presence.offline"));
    const possible = online && ready && specialist.takes_video;
    camera.dataset.ready = possible;
    const cameraKey = possible ? "ready" : specialist.takes_video ? "notReady" : "none";
    setText(cameraText, t(`camera.${cameraKey}`));
    setText(avatar, initials(specialist.name));
    setText(name, specialist.name);
    setText(summary, specialist.summary);
    setText(length, duration(specialist.duration_s, t));
    setText(cost, price(specialist.price, specialist.currency, app.language));
    const against = reasonAgainst(specialist, [...app.consultations.values()]);
    request.setAttribute("aria-disabled", against !== null);
    setText(reason, against ? t(`against.${against}`) : "");
    const label = t("home.removeNamed", { name: specialist.name });
    remove.setAttribute("aria-label", label);
    remove.title = label;
  };
  const element = h(
    "li",
    { class: "card specialist", testid: `specialist-${id}`, "aria-labelledby": `name-${id}` },
    h("div", { class: "person" }, avatar, h("div", { class: "signs" }, handset, camera)),
    h(
      "div",
      { class: "about" },
      h("div", { class: "row" }, name, remove),
      summary,
      h(
        "dl",
        { class: "terms" },
        h("div", {}, h("dt", {}, t("home.duration")), length),
        h("div", {}, h("dt", {}, t("home.price")), cost),
      ),
      h("div", { class: "ask" }, request, reason),
    ),
  );
  return { element, update };
}

function find(app) {
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
      h("span", { class: "grow" }, h("strong", {}, name), h("small", {}, summary)),
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
    const found = asked ? await app.api.findSpecialists(asked).catch(() => []) : [];
    if (asked !== input.value.trim()) return; // typed on meanwhile
    const none = h("li", { class: "none" }, t("home.notFound"));
    results.replaceChildren(...(asked && !found.length ? [none] : found.map(row)));
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
