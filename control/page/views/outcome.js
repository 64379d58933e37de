/** What became of a request that was declined or not answered, told to the client. */

import { h, icon } from "../element.js";
import { duration } from "../times.js";

export function outcome(app) {
  const { t } = app;
  const { id, state, specialist, decline_reason: reason } = app.consultation;
  const { requested_at: requested, accept_by: by } = app.consultation;
  const time = duration(Math.round(by - requested), t);
  return {
    element: h(
      "section",
      { class: "narrow card centre" },
      icon(state === "expired" ? "clock" : "handset", "large muted"),
      h("h1", { testid: "outcome-title" }, t(`outcome.${state}.title`)),
      h("p", { class: "lead" }, t(`outcome.${state}.text`, { name: specialist.name, time })),
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
