/** The specialist's home: on line, camera, own terms. */

import { h, icon, setIcon, setText } from "../element.js";

const CURRENCIES = ["EUR", "USD", "GBP", "CHF"];

export function desk(app) {
  const { t } = app;
  const online = sign("handset", "desk-online");
  const camera = sign("camera", "desk-camera");
  const check = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "check-devices",
      onclick: () => app.checkDevices(true),
    },
    "",
  );
  const update = () => {
    const open = app.events?.state === "open";
    online.show(
      open,
      t(open ? "desk.online" : "desk.offline"),
      t(open ? "desk.onlineLead" : "desk.offlineLead"),
    );
    const takes = app.profile?.takes_video ?? true;
    const ready = app.checked && takes;
    const state = !takes ? "desk.cameraOff" : ready ? "desk.cameraReady" : "desk.cameraNotReady";
    camera.show(ready, t("desk.camera"), t(state));
    setText(check, t(app.checked ? "desk.checkAgain" : "desk.check"));
    check.className = app.checked ? "secondary" : "primary";
  };
  const element = h(
    "section",
    { class: "desk" },
    h("h1", {}, t("desk.title")),
    h(
      "div",
      { class: "card signs" },
      online.element,
      h("div", { class: "row" }, camera.element, check),
      h("p", { class: "hint quietly" }, icon("bell"), t("desk.waiting")),
    ),
    termsForm(app),
  );
  return { element, update };
}

function sign(name, testid) {
  const [title, lead] = [h("strong"), h("small")];
  const mark = icon(name);
  const words = h("span", {}, title, lead);
  const element = h("div", { class: "sign", testid, role: "status" }, mark, words);
  const show = (good, titleText, leadText) => {
    element.dataset.ready = good;
    if (name === "handset") setIcon(mark, good ? "handset-on" : "handset");
    setText(title, titleText);
    setText(lead, leadText);
  };
  return { element, show };
}

function termsForm(app) {
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
  return h(
    "form",
    { class: "card terms-form", testid: "profile-form", onsubmit: save },
    h("h2", {}, t("desk.terms")),
    h("p", { class: "hint" }, t("desk.termsLead")),
    field("summary", t("desk.summary"), summary),
    h(
      "div",
      { class: "fields" },
      field("duration", t("desk.duration"), minutes),
      field("price", t("desk.price"), price),
      field("currency", t("desk.currency"), currency),
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
