/** How it ended, and the two ratings. */

import { h, icon } from "../element.js";
import { canRate, endKey } from "../screens.js";
import { duration } from "../times.js";
import { rating } from "./rating.js";

const GOOD = new Set(["completed", "early_end_agreed"]);

export function finish(app) {
  const { t } = app;
  const { id, end, started_at: started, ended_at: ended } = app.consultation;
  // How long it was waited for somebody who did not come.
  const time = duration(Math.round(ended - app.consultation.accepted_at), t);
  const { role } = app.user;
  const key = endKey(app.consultation, role);
  const ratings = canRate(app.consultation, role)
    ? [rating(app, "specialist"), rating(app, "technical")]
    : [];
  return {
    element: h(
      "section",
      { class: "finish" },
      h(
        "div",
        { class: "card centre" },
        icon(
          GOOD.has(end?.reason) ? "check" : "info",
          `large ${GOOD.has(end?.reason) ? "good" : "muted"}`,
        ),
        h("h1", { testid: "finish-title" }, t(`finish.${key}.title`)),
        h(
          "p",
          { class: "lead", testid: "finish-reason", "data-reason": end?.reason ?? "" },
          t(`finish.${key}.text`, { time }),
        ),
        h(
          "dl",
          { class: "facts" },
          h("div", {}, h("dt", {}, t("finish.with", { name: app.partner.name }))),
          started !== null &&
            h(
              "div",
              {},
              h("dt", {}, t("finish.lasted")),
              h("dd", {}, duration(Math.max(1, ended - started), t)),
            ),
        ),
      ),
      ratings.length > 0 &&
        h(
          "div",
          { class: "ratings" },
          ratings.map(({ element }) => element),
        ),
      h(
        "div",
        { class: "row centre" },
        h(
          "button",
          {
            class: ratings.length ? "secondary" : "primary",
            type: "button",
            testid: "finish-home",
            onclick: () => app.putAway(id),
          },
          t("finish.home"),
        ),
      ),
    ),
    update: () => ratings.forEach((each) => each.update()),
  };
}
