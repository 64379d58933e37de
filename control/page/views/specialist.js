/** A specialist's own page: who they are, on which terms, and what clients say. */

import { h, icon, setText } from "../element.js";
import { initials } from "../times.js";
import { askButton, termsList } from "./ask.js";
import { presence } from "./presence.js";
import { aggregate, comments } from "./stars.js";

/** News of presence come by themselves only for specialists who were added. */
const AGAIN_MS = 10000;

export function specialist(app) {
  const { t } = app;
  const id = app.at;
  const title = h("h1", { testid: "specialist-name" }, t("common.loading"));
  const body = h("div", { class: "own" });
  let shown = null;
  const load = async () => {
    try {
      const found = await app.api.specialist(id);
      if (app.at === id) app.viewed = found;
    } catch (error) {
      if (error.status === 404) setText(title, t("specialist.unknown"));
    }
    app.render();
  };
  const timer = setInterval(load, AGAIN_MS);
  const update = () => {
    if (app.viewed?.id !== id) return;
    setText(title, app.viewed.name);
    if (shown === null) {
      document.title = `${app.viewed.name} · ${t("app.name")}`;
      shown = content(app, id);
      body.replaceChildren(shown.element);
    }
    shown.update(app.viewed);
  };
  load();
  return {
    element: h("section", { class: "page" }, title, body),
    update,
    close: () => {
      clearInterval(timer);
      app.viewed = null;
    },
  };
}

function content(app, id) {
  const { t } = app;
  const client = app.user.role === "client";
  const [signs, terms] = [presence(app), termsList(app)];
  const [ask, list] = client ? [askButton(app, id), listButton(app, id)] : [null, null];
  const avatar = h("span", { class: "avatar specialist", "aria-hidden": "true" });
  const summary = h("p", { class: "summary", testid: "summary" });
  const ratings = h("div", { testid: "specialist-ratings" });
  let told = "";
  const update = (specialist) => {
    signs.update(specialist);
    terms.update(specialist);
    ask?.update(specialist);
    list?.update(specialist);
    setText(avatar, initials(specialist.name));
    setText(summary, specialist.summary || t("specialist.noSummary"));
    const now = JSON.stringify([specialist.ratings, specialist.comments]);
    if (now === told) return;
    told = now;
    ratings.replaceChildren(
      aggregate(app, specialist.ratings, "ratings-specialist"),
      comments(app, specialist.comments, "comments-specialist") || "",
    );
  };
  const element = h(
    "div",
    { class: "own" },
    h(
      "div",
      { class: "card specialist" },
      h("div", { class: "person" }, avatar, signs.element),
      h("div", { class: "about" }, summary, terms.element, ask?.element, list?.element),
    ),
    h("div", { class: "card" }, h("h2", {}, t("specialist.ratings")), ratings),
  );
  return { element, update };
}

/** On the client's list or not, and the way to change it. */
function listButton(app, id) {
  const { t } = app;
  const [words, mark] = [h("span"), icon("plus")];
  const change = async () => {
    const added = app.viewed.added;
    const done = await app.act((api) => (added ? api.removeSpecialist(id) : api.addSpecialist(id)));
    if (!done) return;
    app.viewed.added = !added;
    await app.loadSpecialists();
  };
  const button = h(
    "button",
    { class: "secondary", type: "button", testid: "list-specialist", onclick: change },
    mark,
    words,
  );
  return {
    element: h("div", { class: "ask" }, button),
    update: ({ added }) => {
      button.dataset.added = added;
      mark.toggleAttribute("hidden", added);
      setText(words, t(added ? "specialist.remove" : "specialist.add"));
    },
  };
}
