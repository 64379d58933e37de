/** The steps of a consultation, in the order in which they are taken. */

import { h } from "../element.js";
import { addressOf } from "../places.js";

/** How many steps each role has; the texts are `help.{role}.{number}.title` and `….text`. */
const STEPS = { client: 9, specialist: 8 };
/** Questions after the steps. */
const QUESTIONS = 4;

export function help(app) {
  const { t, user } = app;
  const roles = user?.role === "specialist" ? ["specialist", "client"] : ["client", "specialist"];
  return {
    element: h(
      "section",
      { class: "page help" },
      h("h1", {}, t("help.title")),
      h("p", { class: "lead" }, t("help.lead")),
      roles.map((role) => steps(app, role)),
      questions(app),
      user &&
        user.role !== "operator" &&
        h(
          "p",
          {},
          h("a", { href: addressOf("devices"), testid: "help-devices" }, t("help.devices")),
        ),
    ),
  };
}

function steps({ t }, role) {
  const step = (_, index) => {
    const key = `help.${role}.${index + 1}`;
    return h("li", {}, h("h3", {}, t(`${key}.title`)), h("p", {}, t(`${key}.text`)));
  };
  return h(
    "div",
    { class: "card", testid: `help-${role}` },
    h("h2", {}, t(`help.${role}`)),
    h("ol", { class: "steps" }, Array.from({ length: STEPS[role] }, step)),
  );
}

function questions({ t }) {
  const one = (_, index) => {
    const key = `help.question.${index + 1}`;
    return h("div", {}, h("dt", {}, t(`${key}.title`)), h("dd", {}, t(`${key}.text`)));
  };
  return h(
    "div",
    { class: "card", testid: "help-questions" },
    h("h2", {}, t("help.questions")),
    h("dl", { class: "questions" }, Array.from({ length: QUESTIONS }, one)),
  );
}
