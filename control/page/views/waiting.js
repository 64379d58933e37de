/** The client waits for the answer: five minutes, the purpose, cancelling, the device check. */

import { h, setText } from "../element.js";
import { countdown, initials } from "../times.js";
import { devicePanel } from "./device_panel.js";
import { precheckPanel } from "./precheck_panel.js";

export function waiting(app) {
  const { t } = app;
  const { specialist, purpose } = app.consultation;
  const panel = devicePanel(app);
  const precheck = precheckPanel(app);
  const left = h("span", { class: "clock", role: "timer", testid: "waiting-countdown" });
  const whole = app.consultation.accept_by - app.consultation.requested_at;
  const bar = h("progress", { max: whole, "aria-hidden": "true" });
  const cancel = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "waiting-cancel",
      onclick: () => app.act((api) => api.cancel(app.consultation.id)),
    },
    t("waiting.cancel"),
  );
  const update = () => {
    const seconds = Math.max(0, app.consultation.accept_by - app.now());
    setText(left, countdown(seconds));
    bar.value = seconds;
    panel.update();
    precheck.update();
  };
  return {
    element: h(
      "section",
      { class: "split" },
      h(
        "div",
        { class: "card" },
        h("h1", {}, t("waiting.title")),
        h(
          "div",
          { class: "whom" },
          h(
            "span",
            { class: "avatar specialist pulse", "aria-hidden": "true" },
            initials(specialist.name),
          ),
          h("strong", {}, specialist.name),
        ),
        h("p", { class: "timer" }, left, h("small", {}, t("waiting.left"))),
        bar,
        h("p", { class: "lead" }, t("waiting.lead", { name: specialist.name })),
        h("h2", { class: "label" }, t("waiting.purpose")),
        h("blockquote", { testid: "waiting-purpose" }, purpose),
        h("div", { class: "row foot" }, cancel),
      ),
      h(
        "div",
        { class: "card" },
        h("h2", {}, t("waiting.prepare")),
        panel.element,
        precheck.element,
      ),
    ),
    update,
    close: panel.close,
  };
}
