/** The proposal to end early: either side makes it, the other accepts or refuses. */

import { h } from "../element.js";
import { pending, question } from "./proposal.js";

export function earlyEnd(app) {
  const { t } = app;
  const name = app.partner.name;
  const asked = question(app, {
    name: "early-end",
    title: t("earlyEnd.title", { name }),
    body: h("p", {}, t("earlyEnd.text")),
    accept: (api, id) => api.acceptEarlyEnd(id),
    refuse: (api, id) => api.refuseEarlyEnd(id),
  });
  const waiting = pending(app, {
    name: "early-end",
    withdraw: (api, id) => api.withdrawEarlyEnd(id),
  });
  const update = () => {
    const proposal = app.consultation.early_end;
    const mine = proposal?.by === app.user.role;
    waiting.show(mine ? t("earlyEnd.pending", { name }) : null, proposal?.lapses_at);
    asked.show(proposal && !mine ? proposal.lapses_at : null);
  };
  return { pending: waiting.element, question: asked.element, update };
}
