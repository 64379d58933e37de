/** Ratings to read: stars, how many gave how many, and comments. */

import { h, icon } from "../element.js";
import { average, month } from "../times.js";

/** `stars` of 5, parts too, with its words for those who do not see them. */
export function stars(app, count) {
  const whole = Math.round(count);
  const text = app.t("ratings.of5", { stars: average(count, app.language) });
  return h(
    "span",
    { class: "given", role: "img", "aria-label": text, title: text },
    [1, 2, 3, 4, 5].map((each) => icon("star", each <= whole ? "full" : "")),
  );
}

/** `ratings`: { average, count, stars: { "5": 12, … } }. */
export function aggregate(app, ratings, testid) {
  const { t } = app;
  if (ratings.count === 0)
    return h("p", { class: "hint", testid: `${testid}-none` }, t("ratings.none"));
  const row = (count) => {
    const given = ratings.stars[count] ?? 0;
    const label = t("ratings.row", { stars: count, count: given });
    return h(
      "li",
      {},
      h("span", { "aria-hidden": "true" }, count, icon("star", "full")),
      h("meter", { min: 0, max: ratings.count, value: given, "aria-label": label }),
      h("span", { class: "clock", "aria-hidden": "true" }, given),
    );
  };
  return h(
    "div",
    { class: "aggregate", testid },
    h(
      "div",
      { class: "whole" },
      h("strong", { testid: `${testid}-average` }, average(ratings.average, app.language)),
      stars(app, ratings.average),
      h("small", {}, t(ratings.count === 1 ? "ratings.count1" : "ratings.count", ratings)),
    ),
    h("ul", { class: "spread" }, [5, 4, 3, 2, 1].map(row)),
  );
}

/** `list`: [{ comment, at }], in the order in which it is shown. */
export function comments(app, list, testid) {
  const one = ({ comment, at }) =>
    h("li", {}, h("p", {}, comment), h("small", {}, month(at, app.language)));
  return list.length > 0 && h("ul", { class: "comments", testid }, list.map(one));
}
