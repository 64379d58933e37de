/** One consultation of the history: times, terms, how it ended, ratings and the receipt. */

import { h } from "../element.js";
import { addressOf } from "../places.js";
import { OPEN, canRate, ratingOpen, stateKey } from "../screens.js";
import { duration, moment, price, timeOfDay } from "../times.js";
import { rating } from "./rating.js";
import { receipt } from "./receipt.js";
import { stars } from "./stars.js";

export function record(app) {
  const { t } = app;
  const back = h(
    "a",
    { href: addressOf("history"), class: "back", testid: "record-back" },
    t("record.back"),
  );
  if (app.consultation === null) return unknown(app, back);
  const { state, id, purpose, decline_reason: reason } = app.consultation;
  const { role } = app.user;
  const key = stateKey(app.consultation, role);
  const ratings = canRate(app.consultation, role)
    ? ["specialist", "technical"].map((subject) => ownRating(app, subject))
    : [];
  return {
    element: h(
      "section",
      { class: "page record" },
      back,
      h("h1", { testid: "record-title" }, t("finish.with", { name: app.partner.name })),
      h(
        "div",
        { class: "card" },
        h("p", {}, h("span", { class: "badge", "data-state": state }, t(`state.${key}`))),
        state === "ended" &&
          h("p", { class: "lead", testid: "record-end" }, t(`finish.${key}.text`, spent(app))),
        facts(app),
        h("h2", { class: "label" }, t("incoming.purpose")),
        h("blockquote", { testid: "record-purpose" }, purpose),
        reason && [
          h("h2", { class: "label" }, t("record.declined")),
          h("blockquote", { testid: "record-decline" }, reason),
        ],
      ),
      ratings.length > 0 &&
        h(
          "div",
          { class: "ratings" },
          ratings.map(({ element }) => element),
        ),
      !OPEN.has(state) && receipt(app, id),
    ),
    update: () => ratings.forEach((each) => each.update?.()),
  };
}

/** How long it was waited for somebody who did not come. */
function spent({ consultation: { accepted_at: accepted, ended_at: ended }, t }) {
  return { time: duration(Math.round(ended - (accepted ?? ended)), t) };
}

function facts(app) {
  const { t, language, consultation } = app;
  const { terms, started_at: started, ended_at: ended } = consultation;
  const told = [
    ["requested", moment(consultation.requested_at, language)],
    ["accepted", consultation.accepted_at && timeOfDay(consultation.accepted_at, language)],
    ["started", started && timeOfDay(started, language)],
    ["ended", ended && timeOfDay(ended, language)],
    ["duration", duration(terms.duration_s, t)],
    ["price", price(terms.price, terms.currency, language)],
    ["extensions", extensions(app)],
    ["lasted", started && ended && duration(Math.max(1, ended - started), t)],
  ].filter(([, value]) => value);
  return h(
    "dl",
    { class: "terms", testid: "record-facts" },
    told.map(([name, value]) => h("div", {}, h("dt", {}, t(`record.${name}`)), h("dd", {}, value))),
  );
}

/** "15 мин за 20,00 €, …" */
function extensions({ consultation, t, language }) {
  const { currency } = consultation.terms;
  return consultation.extensions
    .map(({ duration_s: longer, price: cost }) =>
      t("receipt.longer", { time: duration(longer, t), price: price(cost, currency, language) }),
    )
    .join(", ");
}

/** A form while the rating can be given or changed, and then what was given. */
function ownRating(app, subject) {
  const { t } = app;
  const given = app.consultation.ratings[subject];
  if (ratingOpen(given, app.now())) return rating(app, subject);
  return {
    element: h(
      "div",
      { class: "card rating", testid: `rated-${subject}` },
      h("h2", {}, t(`record.rated.${subject}`)),
      stars(app, given.stars),
      given.comment && h("blockquote", {}, given.comment),
      h("p", { class: "hint" }, t("record.ratedFinal")),
    ),
  };
}

/** One that is older than what is loaded, or not theirs. */
function unknown(app, back) {
  const { t, at: id } = app;
  const words = h("p", { class: "hint", role: "status" }, t("common.loading"));
  const load = async () => {
    if (!(await app.act((api) => api.consultation(id)))) words.textContent = t("record.unknown");
  };
  load();
  return { element: h("section", { class: "page" }, back, h("h1", {}, t("record.title")), words) };
}
