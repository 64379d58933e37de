/** More time: the specialist offers it at a price, the client accepts or refuses. */

import { dialog, h, setText } from "../element.js";
import { proportionalPrice, totalPrice } from "../prices.js";
import { duration, price } from "../times.js";
import { pending, question } from "./proposal.js";

const SUGGESTED_MINUTES = 15;
const LONGEST_MINUTES = 480;

export function extension(app) {
  const { t } = app;
  const name = app.partner.name;
  const fact = (testid) => h("dd", { testid });
  const [longer, more, total] = [
    fact("extension-longer"),
    fact("extension-more"),
    fact("extension-new-price"),
  ];
  const row = (key, value) => h("div", {}, h("dt", {}, t(key)), value);
  const asked = question(app, {
    name: "extension",
    title: t("extension.title", { name }),
    body: [
      h(
        "dl",
        { class: "terms" },
        row("extension.longer", longer),
        row("extension.more", more),
        row("extension.newPrice", total),
      ),
      h("p", {}, t("extension.text")),
    ],
    accept: (api, id) => api.acceptExtension(id),
    refuse: (api, id) => api.refuseExtension(id),
  });
  const waiting = pending(app, {
    name: "extension",
    withdraw: (api, id) => api.withdrawExtension(id),
  });
  const update = () => {
    const offer = app.consultation.extension;
    const mine = app.user.role === "specialist";
    if (offer && !mine) {
      setText(longer, duration(offer.duration_s, t));
      setText(more, cost(app, offer.price));
      setText(total, cost(app, totalPrice(app.consultation, offer.price)));
    }
    waiting.show(offer && mine ? offered(app, offer) : null, offer?.lapses_at);
    asked.show(offer && !mine ? offer.lapses_at : null);
  };
  return { pending: waiting.element, question: asked.element, update };
}

/** The specialist says how much longer, and for how much. */
export function extensionDialog(app) {
  const { t } = app;
  const { consultation } = app;
  const { currency } = consultation.terms;
  const minutes = h("input", {
    type: "number",
    id: "extension-duration",
    min: 0.2,
    max: LONGEST_MINUTES,
    step: "any",
    required: true,
    autofocus: true,
    testid: "extension-duration",
    oninput: () => suggest(),
  });
  const amount = h("input", {
    type: "number",
    id: "extension-price",
    min: 0,
    step: 0.01,
    required: true,
    testid: "extension-price",
    "aria-describedby": "extension-total",
    oninput: () => {
      chosen = true;
      tell();
    },
  });
  const total = h("p", { class: "hint", id: "extension-total", testid: "extension-total" });
  let chosen = false; // the price was set by hand
  const seconds = () => Math.round(minutes.valueAsNumber * 60);
  const tell = () => {
    const known = !Number.isNaN(amount.valueAsNumber);
    const whole = cost(app, totalPrice(consultation, known ? amount.value : "0"));
    setText(total, t("extension.total", { price: whole }));
  };
  const suggest = () => {
    if (!chosen && !Number.isNaN(minutes.valueAsNumber))
      amount.value = proportionalPrice(consultation, seconds());
    tell();
  };
  minutes.value = SUGGESTED_MINUTES;
  suggest();
  const send = h(
    "button",
    { class: "primary", type: "submit", testid: "extension-send" },
    t("extension.send"),
  );
  const submit = async (event) => {
    event.preventDefault();
    send.disabled = true;
    const offer = [consultation.id, seconds(), amount.valueAsNumber.toFixed(2)];
    if (await app.act((api) => api.proposeExtension(...offer))) asked.close();
    send.disabled = false;
  };
  const field = (input, words) => h("div", {}, h("label", { for: input.id }, words), input);
  const asked = dialog(
    { class: "card window", testid: "extension-dialog", "aria-labelledby": "extension-heading" },
    h(
      "form",
      { onsubmit: submit },
      h("h2", { id: "extension-heading" }, t("extension.propose")),
      h("p", { class: "lead" }, t("extension.lead", { name: app.partner.name })),
      h(
        "div",
        { class: "fields" },
        field(minutes, t("extension.minutes")),
        field(amount, t("extension.price", { currency })),
      ),
      total,
      h(
        "div",
        { class: "row foot" },
        h(
          "button",
          {
            class: "secondary",
            type: "button",
            testid: "extension-close",
            onclick: () => asked.close(),
          },
          t("common.back"),
        ),
        send,
      ),
    ),
  );
  asked.showModal();
}

function offered(app, offer) {
  const { t } = app;
  return t("extension.pending", {
    duration: duration(offer.duration_s, t),
    price: cost(app, offer.price),
    name: app.partner.name,
  });
}

function cost(app, amount) {
  return price(amount, app.consultation.terms.currency, app.language);
}
