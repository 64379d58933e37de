/** The places in the header, as links. */

import { h } from "./element.js";
import { NAVIGATION, addressOf } from "./places.js";

/** Screens that come and go by themselves, and are not left by a link. */
const PRESSING = new Set(["loading", "incoming", "outcome", "call", "finish"]);
/** Screens that stand for a place of another name. */
const WITHIN = { record: "history", specialist: "home", waiting: "", signin: "home" };

export function navigation(app) {
  const { t } = app;
  const role = app.user?.role ?? "";
  const links = NAVIGATION[role].map((name) => {
    const key = name === "home" && role ? `${role}Home` : name;
    const properties = { href: addressOf(name), testid: `nav-${name}`, "data-name": name };
    return h("a", properties, t(`nav.${key}`));
  });
  const element = h("nav", { class: "places", "aria-label": t("nav.label") }, links);
  const update = () => {
    element.hidden = PRESSING.has(app.screen);
    const here = WITHIN[app.screen] ?? app.screen;
    for (const link of links) {
      if (link.dataset.name === here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  return { element, update };
}
