/** The specialist's home: the online switch, camera, sound, and their settings. */

import { h, icon, setIcon, setText } from "../element.js";
import { addressOf } from "../places.js";
import { termsForm } from "./terms_form.js";

export function desk(app) {
  const { t } = app;
  const [online, camera] = [sign("handset", "desk-online"), sign("camera", "desk-camera")];
  const [toggle, sound] = [onlineSwitch(app), soundCheck(app)];
  const check = h(
    "button",
    { type: "button", testid: "check-devices", onclick: () => app.go("devices") },
    "",
  );
  const update = () => {
    const open = app.events.state === "open";
    const state = !open ? "connecting" : app.available ? "online" : "offline";
    online.show(state === "online", t(`desk.${state}`), t(`desk.${state}Lead`));
    toggle.update();
    const takes = app.profile?.takes_video ?? true;
    const ready = app.checked && takes;
    const cameraState = !takes ? "cameraOff" : ready ? "cameraReady" : "cameraNotReady";
    camera.show(ready, t("desk.camera"), t(`desk.${cameraState}`));
    setText(check, t(app.checked ? "desk.checkAgain" : "desk.check"));
    check.className = app.checked ? "secondary" : "primary";
    sound.update();
  };
  const element = h(
    "section",
    { class: "desk" },
    h(
      "div",
      { class: "row" },
      h("h1", {}, t("desk.title")),
      app.profile &&
        h(
          "a",
          { href: addressOf("specialist", app.user.id), testid: "own-page" },
          t("desk.ownPage"),
        ),
    ),
    h(
      "div",
      { class: "card signs" },
      h("div", { class: "row" }, online.element, toggle.element),
      h("div", { class: "row" }, camera.element, check),
      sound.element,
    ),
    termsForm(app),
  );
  return { element, update };
}

function sign(name, testid) {
  const [title, lead] = [h("strong"), h("small")];
  const mark = icon(name);
  const words = h("span", {}, title, lead);
  const element = h("div", { class: "sign", testid, role: "status" }, mark, words);
  const show = (good, titleText, leadText) => {
    element.dataset.ready = good;
    if (name === "handset") setIcon(mark, good ? "handset-on" : "handset");
    setText(title, titleText);
    setText(lead, leadText);
  };
  return { element, show };
}

/** Whether clients see the specialist as on line while a page is open. */
function onlineSwitch(app) {
  const { t } = app;
  const element = h(
    "button",
    {
      class: "switch",
      type: "button",
      role: "switch",
      "aria-label": t("desk.switch"),
      testid: "online-switch",
      onclick: async () => {
        element.disabled = true;
        await app.setAvailable(!app.available);
        element.disabled = false;
        element.focus();
      },
    },
    h("span", { class: "knob" }),
  );
  // Before there are terms nobody finds the specialist, and there is nothing to switch.
  const update = () => {
    element.hidden = app.profile === null;
    element.setAttribute("aria-checked", String(app.available));
  };
  return { element, update };
}

/** How a request makes itself heard, and a way to try it. */
function soundCheck(app) {
  const { t } = app;
  const words = h("span", { class: "grow" });
  const tryIt = h(
    "button",
    {
      class: "quiet",
      type: "button",
      testid: "try-sound",
      onclick: async () => {
        heard.hidden = false;
        setText(heard, t((await app.alert.chime()) ? "desk.soundPlayed" : "desk.soundBlocked"));
      },
    },
    icon("sound"),
    t("desk.trySound"),
  );
  const heard = h("p", { class: "hint", role: "status", testid: "sound-tried", hidden: true });
  return {
    element: h("div", { class: "quietly hint" }, icon("bell"), words, tryIt, heard),
    update: () => setText(words, t(app.profile === null ? "desk.noTerms" : "desk.waiting")),
  };
}
