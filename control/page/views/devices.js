/** The device check on its own: makes the specialist's camera ready. */

import { h } from "../element.js";
import { devicePanel } from "./device_panel.js";
import { precheckPanel } from "./precheck_panel.js";

export function devices(app) {
  const { t } = app;
  const panel = devicePanel(app);
  const precheck = precheckPanel(app);
  const done = h(
    "button",
    {
      class: "primary",
      type: "button",
      testid: "devices-done",
      onclick: () => app.go("home"),
    },
    t("devices.done"),
  );
  return {
    element: h(
      "section",
      { class: "narrow card" },
      h("h1", {}, t("devices.title")),
      h("p", { class: "lead" }, t("devices.lead")),
      panel.element,
      precheck.element,
      h("div", { class: "row foot" }, done),
    ),
    update: () => {
      panel.update();
      precheck.update();
    },
    close: panel.close,
  };
}
