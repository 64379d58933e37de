/** What became of a request that was declined or not answered, told to the client. */

import { h, icon } from "../element.js";

export function outcome(app) {
  const { t } = app;
  const { id, state, specialist, decline_reason: reason } = app.consultation;
  return {
    element: h(
      "section",
      { class: "narrow card centre" },
      icon(state === "expired" ? "clock" : "handset", "large muted"),
      h("h1", { testid: "outcome-title" }, t(`outcome.${state}.title`)),
      h("p", { class: "lead" }, t(`outcome.${state}.text`, { name: specialist.name })),
      reason &&
        h("blockquote", { testid: "outcome-reason" }, t("outcome.declined.reason", { reason })),
      h(
        "button",
        {
          class: "primary",
          type: "button",
          testid: "outcome-home",
          onclick: () => app.putAway(id),
        },
        t("outcome.home"),
      ),
    ),
  };
}
