/** Leaving: what it means, asked before it is done. */

import { dialog, h } from "../element.js";

export function leaveDialog(app) {
  const { t } = app;
  const { id } = app.consultation;
  const asked = dialog(
    {
      class: "card window",
      role: "alertdialog",
      testid: "leave-dialog",
      "aria-labelledby": "leave-title",
      "aria-describedby": "leave-text",
    },
    h("h2", { id: "leave-title" }, t("leave.title")),
    h("p", { id: "leave-text" }, t(`leave.${meaning(app)}`)),
    h(
      "div",
      { class: "row foot" },
      h(
        "button",
        {
          class: "secondary",
          type: "button",
          autofocus: true,
          testid: "leave-back",
          onclick: () => asked.close(),
        },
        t("leave.stay"),
      ),
      h(
        "button",
        {
          class: "primary danger",
          type: "button",
          testid: "leave-confirm",
          onclick: async () => {
            if (await app.act((api) => api.leave(id))) asked.close();
          },
        },
        t("leave.confirm"),
      ),
    ),
  );
  asked.showModal();
}

/** Before the start nobody owes anything; once the specialist is leaving, the end is theirs. */
function meaning({ consultation, user }) {
  if (consultation.state === "accepted") return "before";
  return consultation.leaving ? "ending" : user.role;
}
