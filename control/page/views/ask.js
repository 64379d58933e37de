/** What a consultation costs, and the button «Заяви Видео среща», which says when it is not possible. */

import { h, icon, setText } from "../element.js";
import { reasonAgainst } from "../screens.js";
import { duration, price } from "../times.js";
import { requestDialog } from "./request.js";

/** A list of terms; `update` takes anything that has them. */
export function termsList(app) {
  const { t } = app;
  const length = h("dd", { testid: "duration" });
  const cost = h("dd", { testid: "price" });
  return {
    element: h(
      "dl",
      { class: "terms" },
      h("div", {}, h("dt", {}, t("home.duration")), length),
      h("div", {}, h("dt", {}, t("home.price")), cost),
    ),
    update: (terms) => {
      setText(length, duration(terms.duration_s, t));
      setText(cost, price(terms.price, terms.currency, app.language));
    },
  };
}

export function askButton(app, id) {
  const { t } = app;
  const reason = h("p", { class: "reason", id: `reason-${id}`, testid: `request-reason-${id}` });
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
    const connected = app.events.state === "open";
    const against = reasonAgainst(specialist, [...app.consultations.values()], connected);
    request.setAttribute("aria-disabled", against !== null);
    setText(reason, against ? t(`against.${against}`) : "");
  };
  return { element: h("div", { class: "ask" }, request, reason), update };
}
