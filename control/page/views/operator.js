/** Operators have no screens: what they do is done over the API. */

import { h } from "../element.js";

const ACTIONS = [1, 2, 3, 4, 5];

export function operator({ t }) {
  return {
    element: h(
      "section",
      { class: "page", testid: "operator" },
      h("h1", {}, t("operator.title")),
      h(
        "div",
        { class: "card" },
        h("p", {}, t("operator.lead")),
        h(
          "ul",
          { class: "dotted" },
          ACTIONS.map((number) => h("li", {}, t(`operator.can.${number}`))),
        ),
        h("a", { href: "/docs", testid: "operator-docs" }, t("operator.docs")),
      ),
    ),
  };
}
