/** The bar of the call: microphone, camera, screen, and the menu with what ends or prolongs it. */

import { h, icon, setIcon } from "../element.js";
import { languageSwitch } from "../frame.js";
import { extensionDialog } from "./extension.js";
import { leaveDialog } from "./leave.js";

export function callControls(app) {
  const { t, session, devices } = app;
  const microphone = toggle("microphone", t("call.microphoneShort"), "mute-button", () =>
    session.setMuted(!session.muted),
  );
  const camera = toggle("camera", t("call.cameraShort"), "camera-button", async () => {
    camera.button.disabled = true;
    if (!(await session.setCamera(devices.video === null))) app.tell("camera-failed");
    camera.button.disabled = false;
    app.render();
  });
  const screen = toggle("screen", t("call.screenShort"), "screen-button", async () => {
    if (session.sharing) return session.setSharing(null);
    try {
      await session.setSharing(await navigator.mediaDevices.getDisplayMedia({ video: true }));
    } catch (error) {
      if (error.name !== "NotAllowedError") app.tell("screen-failed"); // else: thought better of it
    }
  });
  screen.button.hidden = !navigator.mediaDevices?.getDisplayMedia; // phones have none
  const menu = callMenu(app);
  const update = () => {
    const heard = devices.audio !== null && !session.muted;
    const muteKey =
      devices.audio === null ? "call.noMicrophone" : heard ? "call.mute" : "call.unmute";
    microphone.show(heard, t(muteKey));
    microphone.button.disabled = devices.audio === null;
    camera.show(devices.video !== null, t(devices.video ? "call.cameraOff" : "call.cameraOn"));
    screen.show(session.sharing, t(session.sharing ? "call.screenOff" : "call.screenOn"));
    menu.update();
  };
  return {
    element: h(
      "div",
      { class: "controls" },
      microphone.button,
      camera.button,
      screen.button,
      menu.element,
    ),
    update,
    close: menu.close,
  };
}

function toggle(name, short, testid, onclick) {
  const mark = icon(name);
  const button = h(
    "button",
    { class: "control", type: "button", testid, onclick },
    h("span", { class: "disc" }, mark),
    h("small", {}, short),
  );
  const show = (on, label) => {
    const off = name === "screen" ? "screen" : `${name}-off`;
    setIcon(mark, on ? name : off);
    button.setAttribute("aria-pressed", on);
    if (button.title !== label) button.title = label;
  };
  return { button, show };
}

function callMenu(app) {
  const { t } = app;
  const propose = item("clock", t("earlyEnd.propose"), "propose-early-end", () => {
    show(false);
    app.act((api) => api.proposeEarlyEnd(app.consultation.id));
  });
  const extend = item("plus", t("extension.propose"), "propose-extension", () => {
    show(false);
    extensionDialog(app);
  });
  extend.hidden = app.user.role !== "specialist";
  const leave = item("leave", t("call.leave"), "leave-button", () => {
    show(false);
    leaveDialog(app);
  });
  leave.classList.add("danger");
  const list = h(
    "div",
    { class: "menu", id: "call-menu", testid: "call-menu", hidden: true },
    extend,
    propose,
    languageSwitch(app, { class: "item" }),
    leave,
  );
  const button = h(
    "button",
    {
      class: "control",
      type: "button",
      testid: "call-menu-button",
      "aria-expanded": "false",
      "aria-controls": "call-menu",
      onclick: () => show(list.hidden),
    },
    h("span", { class: "disc" }, icon("more")),
    h("small", {}, t("call.menu")),
  );
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", open);
    if (open) list.querySelector("button:not([disabled], [hidden])").focus();
    else if (list.contains(document.activeElement)) button.focus();
  };
  const outside = ({ target }) => {
    if (!element.contains(target)) show(false);
  };
  const element = h(
    "div",
    {
      class: "with-menu",
      onkeydown: ({ key }) => {
        if (key === "Escape" && !list.hidden) {
          show(false);
          button.focus();
        }
      },
    },
    list,
    button,
  );
  document.addEventListener("pointerdown", outside);
  const update = () => {
    const { state, leaving, early_end: early, extension } = app.consultation;
    const settled = state !== "active" || leaving !== null;
    propose.disabled = settled || early !== null;
    extend.disabled = settled || extension !== null;
    leave.disabled = leaving?.by === app.user.role;
  };
  const close = () => document.removeEventListener("pointerdown", outside);
  return { element, update, close };
}

function item(name, text, testid, onclick) {
  return h(
    "button",
    { class: "item", type: "button", testid, onclick },
    icon(name),
    h("span", {}, text),
  );
}
