/** The window «Заявка за консултация»: the purpose, with examples, and the button «Заявка». */

import { dialog, h, icon, setText } from "../element.js";
import { duration, price } from "../times.js";

const PURPOSE_LIMIT = 500;
const EXAMPLES = 3;

export function requestDialog(app, specialist) {
  const { t } = app;
  const error = h("p", { class: "problem", role: "alert", testid: "request-error" });
  const count = h("small", { class: "count" });
  const recount = () =>
    setText(count, t("request.count", { count: purpose.value.length, limit: PURPOSE_LIMIT }));
  const purpose = h("textarea", {
    id: "purpose",
    rows: 4,
    maxlength: PURPOSE_LIMIT,
    required: true,
    testid: "request-purpose",
    "aria-describedby": "purpose-hint",
    oninput: () => {
      setText(error, "");
      recount();
    },
  });
  const example = (_, index) => {
    const text = t(`request.example.${index}`);
    const use = () => {
      purpose.value = text;
      recount();
      purpose.focus();
    };
    return h(
      "li",
      {},
      h(
        "button",
        { class: "example", type: "button", testid: `purpose-example-${index}`, onclick: use },
        text,
      ),
    );
  };
  const send = h(
    "button",
    { class: "primary", type: "submit", testid: "request-send" },
    icon("camera"),
    t("request.send"),
  );
  const submit = async (event) => {
    event.preventDefault();
    const text = purpose.value.trim();
    if (!text) {
      setText(error, t("request.empty"));
      purpose.focus();
      return;
    }
    send.disabled = true;
    if (await app.act((api) => api.request(specialist.id, text))) window_.close();
    send.disabled = false;
  };
  const window_ = dialog(
    { class: "card window", testid: "request-dialog", "aria-labelledby": "request-title" },
    h(
      "form",
      { onsubmit: submit, novalidate: true },
      h(
        "div",
        { class: "row" },
        h("h2", { id: "request-title" }, t("request.title")),
        h(
          "button",
          {
            class: "quiet",
            type: "button",
            testid: "request-close",
            "aria-label": t("common.close"),
            onclick: () => window_.close(),
          },
          icon("close"),
        ),
      ),
      h("p", { class: "to" }, t("request.to", { name: specialist.name })),
      h("label", { for: "purpose" }, t("request.purpose")),
      h("p", { class: "hint", id: "purpose-hint" }, t("request.hint")),
      purpose,
      h("div", { class: "row" }, error, count),
      h("p", { class: "hint" }, t("request.examples")),
      h("ul", { class: "examples" }, Array.from({ length: EXAMPLES }, example)),
      h(
        "div",
        { class: "row foot" },
        h(
          "p",
          { class: "hint" },
          t("request.terms", {
            duration: duration(specialist.duration_s, t),
            price: price(specialist.price, specialist.currency, app.language),
          }),
        ),
        send,
      ),
    ),
  );
  recount();
  window_.showModal();
  purpose.focus();
}
