/** The view of each screen. A view is { element, update?, close? }; update runs 4 times a second. */

import { h } from "../element.js";
import { call } from "./call.js";
import { desk } from "./desk.js";
import { devices } from "./devices.js";
import { finish } from "./finish.js";
import { home } from "./home.js";
import { incoming } from "./incoming.js";
import { outcome } from "./outcome.js";
import { signin } from "./signin.js";
import { waiting } from "./waiting.js";

const loading = ({ t }) => ({
  element: h("section", { class: "loading", role: "status" }, h("p", {}, t("common.loading"))),
});

/** Operators have no screens: what they do is done over the API. */
const operator = ({ t }) => ({
  element: h(
    "section",
    { class: "card", testid: "operator" },
    h("h1", {}, t("operator.title")),
    h("p", {}, t("operator.lead", { address: `${location.origin}/docs` })),
  ),
});

const HOMES = { client: home, specialist: desk, operator };

export const VIEWS = {
  loading,
  signin,
  home: (app) => HOMES[app.user.role](app),
  devices,
  waiting,
  incoming,
  outcome,
  call,
  finish,
};
