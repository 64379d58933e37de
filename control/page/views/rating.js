/** One rating: one to five stars as radio buttons, a comment. Changeable for a day. */

import { h, icon, setText } from "../element.js";
import { ratingOpen } from "../screens.js";

const STARS = [1, 2, 3, 4, 5];
const COMMENT_LIMIT = 2000;

/** `subject` is "specialist" or "technical". */
export function rating(app, subject) {
  const { t } = app;
  const { id } = app.consultation;
  const given = () => app.consultation?.ratings?.[subject] ?? null;
  const name = `rating-${subject}`;
  const said = h("p", { class: "saved", role: "status", testid: `rating-${subject}-done` });
  const star = (count) => {
    const input = h("input", {
      type: "radio",
      name,
      value: count,
      id: `${name}-${count}`,
      testid: `rating-${subject}-star-${count}`,
      checked: given()?.stars === count,
      onchange: () => setText(said, ""),
    });
    const label = h("label", { for: input.id, title: t("rating.star", { count }) }, icon("star"));
    label.append(h("span", { class: "unseen" }, t("rating.star", { count })));
    return h("span", { class: "star" }, input, label);
  };
  const comment = h("textarea", {
    id: `${name}-comment`,
    rows: 3,
    maxlength: COMMENT_LIMIT,
    "aria-describedby": `${name}-comment-hint`,
    testid: `rating-${subject}-comment`,
  });
  comment.value = given()?.comment ?? "";
  const send = h("button", { class: "primary", type: "submit", testid: `rating-${subject}-send` });
  const submit = async (event) => {
    event.preventDefault();
    const stars = Number(new FormData(event.target).get(name));
    said.classList.toggle("problem", !stars);
    if (!stars) {
      setText(said, t("rating.choose"));
      return;
    }
    send.disabled = true;
    const done = await app.act((api) => api.rate(id, subject, stars, comment.value.trim()));
    send.disabled = false;
    if (done) setText(said, t("rating.done"));
  };
  const stars = h(
    "fieldset",
    { class: "stars", "aria-labelledby": `${name}-title` },
    h("legend", { class: "unseen" }, t("rating.stars")),
    STARS.map(star),
  );
  const update = () => {
    setText(send, t(given() ? "rating.change" : "rating.send"));
    const open = ratingOpen(given(), app.now());
    stars.disabled = comment.disabled = !open;
    send.hidden = !open;
    if (!open) setText(said, t("record.ratedFinal"));
  };
  if (given()) setText(said, t("rating.done"));
  update();
  const element = h(
    "form",
    { class: "card rating", testid: `rating-${subject}`, onsubmit: submit },
    h("h2", { id: `${name}-title` }, t(`rating.${subject}.title`)),
    h("p", { class: "hint" }, t(`rating.${subject}.hint`)),
    stars,
    h("label", { for: comment.id }, t("rating.comment")),
    comment,
    h("p", { class: "hint", id: `${name}-comment-hint` }, t("rating.commentHint")),
    h("div", { class: "row foot" }, said, send),
  );
  return { element, update };
}
