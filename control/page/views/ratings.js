/** What clients say of the specialist, and of the connection. */

import { h } from "../element.js";
import { aggregate, comments } from "./stars.js";

const SUBJECTS = ["specialist", "technical"];

export function ratings(app) {
  const { t } = app;
  const body = h("div", { class: "both" }, h("p", { role: "status" }, t("common.loading")));
  const load = () =>
    app.act(async (api) => {
      const found = await api.myRatings();
      body.replaceChildren(...SUBJECTS.map((subject) => card(app, subject, found)));
    });
  load();
  return {
    element: h(
      "section",
      { class: "page" },
      h("h1", {}, t("ratings.title")),
      h("p", { class: "lead" }, t("ratings.lead")),
      body,
    ),
  };
}

function card(app, subject, found) {
  const said = found.comments.filter((each) => each.subject === subject);
  return h(
    "div",
    { class: "card" },
    h("h2", {}, app.t(`ratings.${subject}`)),
    aggregate(app, found[subject], `ratings-${subject}`),
    comments(app, said, `comments-${subject}`),
  );
}
