/** The signed receipt of a consultation: to look at, and to keep as a file. */

import { h, icon } from "../element.js";
import { hasText } from "../language.js";
import { stateKey } from "../screens.js";
import { duration, price, timeOfDay } from "../times.js";

export function receipt(app, id) {
  const { t } = app;
  const body = h("div", { class: "receipt", testid: "receipt" });
  const show = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "receipt-show",
      onclick: () =>
        app.act(async (api) => {
          const signed = await api.receipt(id);
          show.hidden = true;
          body.replaceChildren(...content(app, id, signed));
          body.querySelector("h3").focus(); // the button that had the focus is gone
        }),
    },
    t("receipt.show"),
  );
  return h(
    "div",
    { class: "card" },
    h("h2", {}, t("receipt.title")),
    h("p", { class: "hint" }, t("receipt.lead")),
    show,
    body,
  );
}

function content(app, id, { receipt: told, key_id: key, text }) {
  const { t } = app;
  return [
    h("h3", { tabindex: "-1" }, t("receipt.events")),
    h(
      "div",
      { class: "wide", tabindex: "0", role: "group", "aria-label": t("receipt.events") },
      h(
        "table",
        { testid: "receipt-events" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["time", "event", "by"].map((name) => h("th", { scope: "col" }, t(`receipt.${name}`))),
          ),
        ),
        h(
          "tbody",
          {},
          told.events.map((event) => row(app, event)),
        ),
      ),
    ),
    h(
      "dl",
      { class: "facts" },
      h(
        "div",
        {},
        h("dt", {}, t("receipt.paid")),
        h("dd", { testid: "receipt-paid" }, duration(Math.floor(told.paid_s), t)),
      ),
      h("div", {}, h("dt", {}, t("receipt.number")), h("dd", {}, id)),
      h("div", {}, h("dt", {}, t("receipt.key")), h("dd", {}, key)),
    ),
    h(
      "a",
      {
        class: "primary",
        testid: "receipt-download",
        download: `rodrun-${id}.json`,
        href: URL.createObjectURL(new Blob([text], { type: "application/json" })),
      },
      icon("download"),
      t("receipt.download"),
    ),
  ];
}

function row(app, { at, type, by, data }) {
  const { t } = app;
  const keys = [`event.${type}.${data.participant ?? by}`, `event.${type}`];
  const key = keys.find((each) => hasText(each));
  const told = [key ? t(key) : type, detail(app, type, data)].filter(Boolean).join(": ");
  const role = by === "service" ? "receipt.service" : `role.${by}`;
  return h(
    "tr",
    {},
    h("td", { class: "clock" }, timeOfDay(at, app.language)),
    h("td", {}, told),
    h("td", {}, t(role)),
  );
}

/** What more is worth telling of an event, or null. */
function detail(app, type, data) {
  const { t, language } = app;
  if (type === "ended") return t(`state.${stateKey(app.consultation, app.user.role)}`);
  if (type === "rated") return t(`receipt.rated.${data.subject}`);
  if (type.startsWith("extension_") && data.price !== undefined)
    return t("receipt.longer", {
      time: duration(data.duration_s, t),
      price: price(data.price, data.currency, language),
    });
  return null;
}
