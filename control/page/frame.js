/** What surrounds every screen: header, main, passing notices. */

import { h, icon, setText } from "./element.js";
import { navigation } from "./navigation.js";

export class Frame {
  #app;
  #header = null;
  #built = null;
  #places = null;
  #lost = h("p", { class: "lost", role: "status", testid: "connection-status", hidden: true });
  #main = h("main", { id: "main", tabindex: "-1" });
  #notices = h("ul", { class: "notices", "aria-live": "polite", testid: "notices" });
  #told = [];
  #toldIn = null;

  constructor(app) {
    this.#app = app;
    document.body.append(this.#lost, this.#main, this.#notices);
  }

  /**
   * Put a view into main. `focus` moves the keyboard to its heading, as after a page change; so
   * does a focus that goes with what was there.
   */
  show(view, focus) {
    const { screen, t, language } = this.#app;
    const root = document.documentElement;
    root.lang = language;
    root.dataset.language = language;
    root.dataset.screen = screen;
    const held = this.#main.contains(document.activeElement);
    this.#main.replaceChildren(view.element);
    const heading = view.element.querySelector("h1");
    document.title = heading ? `${heading.textContent} · ${t("app.name")}` : t("app.name");
    if ((focus || held) && heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      globalThis.scrollTo(0, 0);
    }
  }

  update() {
    const app = this.#app;
    const root = document.documentElement;
    root.dataset.events = app.events?.state ?? "connecting";
    if (app.user) root.dataset.role = app.user.role;
    if (app.screen === "call") root.dataset.call = app.session.state;
    else delete root.dataset.call;
    this.#showHeader();
    const state = app.events?.state;
    this.#lost.hidden = state !== "lost" && state !== "refused";
    setText(this.#lost, app.t(state === "refused" ? "header.refused" : "header.lost"));
    if (this.#told !== app.notices || this.#toldIn !== app.language) {
      this.#told = app.notices;
      this.#toldIn = app.language;
      this.#notices.replaceChildren(
        ...app.notices.map(({ name, key, places }) =>
          h(
            "li",
            { testid: "notice", "data-notice": name },
            icon("info"),
            h("span", {}, app.t(key, places)),
          ),
        ),
      );
    }
  }

  /** The call has the whole window, and the language in its menu. */
  #showHeader() {
    const app = this.#app;
    const wanted = app.screen === "call" ? "" : `${app.language} ${app.user?.id ?? ""}`;
    if (wanted !== this.#built) {
      this.#built = wanted;
      const focused = this.#header?.querySelector(":focus")?.dataset.testid;
      this.#header?.remove();
      this.#header = wanted ? this.#build() : null;
      if (this.#header) document.body.prepend(this.#header);
      if (focused) this.#header?.querySelector(`[data-testid="${focused}"]`)?.focus();
    }
    if (this.#header) this.#places.update();
  }

  #build() {
    const app = this.#app;
    const { t, user } = app;
    this.#places = navigation(app);
    const skip = (event) => {
      event.preventDefault(); // the part after # is the place in the page
      this.#main.focus();
    };
    return h(
      "header",
      { class: "header" },
      h("a", { class: "skip", href: "#main", onclick: skip }, t("header.skip")),
      h("span", { class: "brand" }, icon("mark", "mark"), h("span", {}, t("app.name"))),
      h("span", { class: "grow" }),
      user &&
        h(
          "span",
          { class: "who", testid: "user-name" },
          h("strong", {}, user.name),
          h("small", {}, t(`role.${user.role}`)),
        ),
      languageSwitch(app),
      user &&
        h(
          "button",
          {
            class: "quiet",
            type: "button",
            testid: "sign-out",
            "aria-label": t("header.signOut"),
            title: t("header.signOut"),
            onclick: () => app.signOut(),
          },
          icon("leave-door"),
        ),
      this.#places.element,
    );
  }
}

/** Names the other language in that language. */
export function languageSwitch(app, properties = {}) {
  const other = app.language === "bg" ? "en" : "bg";
  return h(
    "button",
    {
      class: "quiet",
      type: "button",
      testid: "language-switch",
      lang: other,
      onclick: () => app.speak(other),
      ...properties,
    },
    icon("globe"),
    h("span", {}, app.t("header.language")),
  );
}
