/** How it ended, and the two ratings. */

import { h, icon } from "../element.js";
import { canRate, endKey } from "../screens.js";
import { totalPrice } from "../prices.js";
import { duration, price } from "../times.js";
import { qualityCard } from "./quality.js";
import { rating } from "./rating.js";

const GOOD = new Set(["completed", "early_end_agreed"]);

export function finish(app) {
  const { t } = app;
  const { id, end, accepted_at: accepted, ended_at: ended } = app.consultation;
  // How long it was waited for somebody who did not come.
  const time = duration(Math.round(ended - accepted), t);
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
        end?.detail &&
          h(
            "blockquote",
            { testid: "finish-detail" },
            t("finish.operatorWords", { detail: end.detail }),
          ),
        h("p", {}, t("finish.with", { name: app.partner.name })),
        facts(app),
      ),
      ratings.length > 0 &&
        h(
          "div",
          { class: "ratings" },
          ratings.map(({ element }) => element),
        ),
      app.consultation.started_at !== null && qualityCard(app),
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

/** Of a session that took place: how long it was, and the price that was agreed on. */
function facts(app) {
  const { t, language, consultation } = app;
  const { started_at: started, ended_at: ended, paid_s: paid, extensions } = consultation;
  if (started === null) return null;
  const sum = price(totalPrice(consultation), consultation.terms.currency, language);
  const told = {
    lasted: duration(Math.max(1, ended - started), t),
    connected: duration(paid, t),
    price: extensions.length ? t("finish.extended", { price: sum }) : sum,
  };
  return h(
    "dl",
    { class: "facts", testid: "finish-facts" },
    Object.entries(told).map(([name, value]) =>
      h("div", {}, h("dt", {}, t(`finish.${name}`)), h("dd", {}, value)),
    ),
  );
}
