/** Signing in: demo accounts as buttons, or a word on how the platform signs in. */

import { h, icon, setText } from "../element.js";
import { hasText } from "../language.js";
import { initials } from "../times.js";

export function signin(app) {
  const { t } = app;
  const error = h("p", { class: "problem", role: "alert", testid: "signin-error" });
  const tell = (code) => {
    const key = `problem.${code}`;
    setText(error, code === null ? "" : t(hasText(key) ? key : "signin.failed"));
    error.hidden = code === null;
  };
  tell(app.signedOut);
  const choices = h("div", { class: "choices" });
  const enter = async (account) => {
    tell(null);
    try {
      await app.signIn(account);
    } catch (failure) {
      tell(failure.code);
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
      h("div", { class: "card" }, h("h1", {}, t("signin.title")), error, choices),
    ),
  };
}
