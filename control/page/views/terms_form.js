/** The specialist's settings: summary, duration, price, currency, whether they take video. */

import { h, setText } from "../element.js";
import { duration } from "../times.js";

const CURRENCIES = ["EUR", "USD", "GBP", "CHF"];

export function termsForm(app) {
  const { t, profile } = app;
  const saved = h("p", { class: "saved", role: "status", testid: "profile-saved" });
  const field = (name, label, input) => {
    input.id = `profile-${name}`;
    return h("div", { class: `field-${name}` }, h("label", { for: input.id }, label), input);
  };
  const summary = h("textarea", { rows: 3, maxlength: 1000, testid: "profile-summary" });
  const minutes = h("input", {
    type: "number",
    min: 0.2,
    max: 480,
    step: "any",
    required: true,
    testid: "profile-duration",
  });
  const price = h("input", {
    type: "number",
    min: 0,
    step: 0.01,
    required: true,
    testid: "profile-price",
  });
  const currency = h("select", { testid: "profile-currency" });
  const takes = h("input", { type: "checkbox", testid: "profile-takes-video" });
  const { duration_override_s: set } = app.user;
  if (set) minutes.setAttribute("aria-describedby", "duration-set");
  summary.value = profile?.summary ?? "";
  minutes.value = profile ? profile.duration_s / 60 : 30;
  price.value = profile?.price ?? "";
  takes.checked = profile?.takes_video ?? true;
  const known = profile?.currency ?? "EUR";
  for (const each of new Set([known, ...CURRENCIES]))
    currency.append(h("option", { value: each, selected: each === known }, each));
  const save = async (event) => {
    event.preventDefault();
    setText(saved, "");
    const done = await app.saveProfile({
      summary: summary.value.trim(),
      duration_s: Math.round(minutes.valueAsNumber * 60),
      price: price.valueAsNumber.toFixed(2),
      currency: currency.value,
      takes_video: takes.checked,
    });
    if (done) setText(saved, t("desk.saved"));
  };
  const label = h("h2", { id: "terms-title" }, t("desk.terms"));
  return h(
    "form",
    {
      class: "card terms-form",
      testid: "profile-form",
      "aria-labelledby": label.id,
      onsubmit: save,
    },
    label,
    h("p", { class: "hint" }, t("desk.termsLead")),
    field("summary", t("desk.summary"), summary),
    h(
      "div",
      { class: "fields" },
      field("duration", t("desk.duration"), minutes),
      field("price", t("desk.price"), price),
      field("currency", t("desk.currency"), currency),
    ),
    set &&
      h(
        "p",
        { class: "hint", id: "duration-set", testid: "duration-set" },
        t("desk.durationSet", { time: duration(set, t) }),
      ),
    h("label", { class: "check" }, takes, h("span", {}, t("desk.takesVideo"))),
    h(
      "div",
      { class: "row foot" },
      saved,
      h("button", { class: "primary", type: "submit", testid: "profile-save" }, t("desk.save")),
    ),
  );
}
