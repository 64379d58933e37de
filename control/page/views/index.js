/** The view of each screen. A view is { element, update?, close? }; update runs 4 times a second. */

import { h } from "../element.js";
import { call } from "./call.js";
import { desk } from "./desk.js";
import { devices } from "./devices.js";
import { finish } from "./finish.js";
import { help } from "./help.js";
import { historyList } from "./history.js";
import { home } from "./home.js";
import { incoming } from "./incoming.js";
import { operator } from "./operator.js";
import { outcome } from "./outcome.js";
import { ratings } from "./ratings.js";
import { record } from "./record.js";
import { signin } from "./signin.js";
import { specialist } from "./specialist.js";
import { waiting } from "./waiting.js";

const loading = ({ t }) => ({
  element: h("section", { class: "loading", role: "status" }, h("p", {}, t("common.loading"))),
});

const HOMES = { client: home, specialist: desk, operator };

export const VIEWS = {
  loading,
  signin,
  home: (app) => HOMES[app.user.role](app),
  help,
  specialist,
  history: historyList,
  record,
  ratings,
  devices,
  waiting,
  incoming,
  outcome,
  call,
  finish,
};
