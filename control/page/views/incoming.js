/** The specialist's incoming request: who, what for, five minutes, accept or decline. */

import { dialog, h, icon, setText } from "../element.js";
import { countdown, duration, initials, price } from "../times.js";
import { devicePanel } from "./device_panel.js";
import { precheckPanel } from "./precheck_panel.js";

const REASON_LIMIT = 500;

export function incoming(app) {
  const { t } = app;
  const { client, purpose, terms, id } = app.consultation;
  const panel = devicePanel(app);
  const precheck = precheckPanel(app);
  const left = h("span", { class: "clock", role: "timer", testid: "incoming-countdown" });
  const bar = h("progress", {
    max: app.consultation.accept_by - app.consultation.requested_at,
    "aria-hidden": "true",
  });
  const more = h("p", { class: "hint", role: "status" });
  const accept = h(
    "button",
    {
      class: "primary go",
      type: "button",
      testid: "incoming-accept",
      onclick: async () => {
        accept.disabled = true;
        await app.act((api) => api.accept(id));
        accept.disabled = false;
      },
    },
    icon("camera"),
    t("incoming.accept"),
  );
  const decline = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "incoming-decline",
      onclick: () => declineDialog(app, id),
    },
    t("incoming.decline"),
  );
  const update = () => {
    const seconds = Math.max(0, app.consultation.accept_by - app.now());
    setText(left, countdown(seconds));
    bar.value = seconds;
    const others = [...app.consultations.values()].filter(({ state }) => state === "requested");
    setText(more, others.length > 1 ? t("incoming.more", { count: others.length - 1 }) : "");
    panel.update();
    precheck.update();
  };
  const cost = price(terms.price, terms.currency, app.language);
  return {
    element: h(
      "section",
      { class: "split" },
      h(
        "div",
        { class: "card" },
        h("h1", {}, t("incoming.title")),
        h(
          "div",
          { class: "whom" },
          h("span", { class: "avatar client pulse", "aria-hidden": "true" }, initials(client.name)),
          h(
            "span",
            {},
            h("strong", { testid: "incoming-client" }, client.name),
            h("small", {}, `${duration(terms.duration_s, t)} · ${cost}`),
          ),
        ),
        h("h2", { class: "label" }, t("incoming.purpose")),
        h("blockquote", { testid: "incoming-purpose" }, purpose),
        h("p", { class: "timer" }, left, h("small", {}, t("incoming.left"))),
        bar,
        h("p", { class: "lead" }, t("incoming.lead")),
        h("div", { class: "row foot" }, decline, accept),
        more,
      ),
      h(
        "div",
        { class: "card" },
        h("h2", {}, t("desk.camera")),
        panel.element,
        precheck.element,
      ),
    ),
    update,
    close: panel.close,
  };
}

function declineDialog(app, id) {
  const { t } = app;
  const reason = h("textarea", {
    id: "decline-reason",
    rows: 3,
    maxlength: REASON_LIMIT,
    testid: "decline-reason",
    "aria-describedby": "decline-hint",
  });
  const submit = async (event) => {
    event.preventDefault();
    if (await app.act((api) => api.decline(id, reason.value.trim()))) asked.close();
  };
  const asked = dialog(
    { class: "card window", testid: "decline-dialog", "aria-labelledby": "decline-title" },
    h(
      "form",
      { onsubmit: submit },
      h("h2", { id: "decline-title" }, t("decline.title")),
      h("label", { for: "decline-reason" }, t("decline.reason")),
      h("p", { class: "hint", id: "decline-hint" }, t("decline.hint")),
      reason,
      h(
        "div",
        { class: "row foot" },
        h(
          "button",
          {
            class: "secondary",
            type: "button",
            testid: "decline-back",
            onclick: () => asked.close(),
          },
          t("common.back"),
        ),
        h(
          "button",
          { class: "primary danger", type: "submit", testid: "decline-confirm" },
          t("decline.confirm"),
        ),
      ),
    ),
  );
  asked.showModal();
}
