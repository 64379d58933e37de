/** Signing in: demo accounts as buttons, or a word on how the platform signs in. */

import { h, icon } from "../element.js";
import { initials } from "../times.js";

export function signin(app) {
  const { t } = app;
  const error = h("p", { class: "problem", role: "alert", testid: "signin-error", hidden: true });
  const choices = h("div", { class: "choices" });
  const enter = async (account) => {
    error.hidden = true;
    try {
      await app.signIn(account);
    } catch {
      error.textContent = t("signin.failed");
      error.hidden = false;
    }
  };
  const account = ({ account: id, name, role }) =>
    h(
      "button",
      { class: "choice", type: "button", testid: `demo-account-${id}`, onclick: () => enter(id) },
      h("span", { class: `avatar ${role}`, "aria-hidden": "true" }, initials(name)),
      h("span", { class: "grow" }, h("strong", {}, name), h("small", {}, t(`role.${role}`))),
      icon("arrow"),
    );
  const platform = () => h("p", { testid: "signin-platform" }, t("signin.platform"));
  const fill = async () => {
    try {
      // Operators work over the API; the page has no screens for them.
      const accounts = (await app.api.demoAccounts()).filter(({ role }) => role !== "operator");
      choices.replaceChildren(h("h2", {}, t("signin.demo")), ...accounts.map(account));
    } catch (failure) {
      if (failure.status >= 400) choices.replaceChildren(platform());
      else setTimeout(fill, 1000); // the server is not there yet
    }
  };
  fill();
  return {
    element: h(
      "section",
      { class: "signin" },
      h(
        "div",
        { class: "hello" },
        icon("mark", "large"),
        h("p", { class: "tagline" }, t("app.tagline")),
        h("p", { class: "lead" }, t("signin.lead")),
      ),
      h("div", { class: "card" }, h("h1", {}, t("signin.title")), choices, error),
    ),
  };
}
