/** Preview, sound level, what is wrong, and which devices: part of several screens. */

import { h, icon, setIcon, setText } from "../element.js";

const LEVEL_EVERY_MS = 80;

export function devicePanel(app) {
  const { t, devices } = app;
  const preview = h("video", {
    class: "mirror",
    testid: "device-preview",
    "aria-label": t("devices.preview"),
    autoplay: true,
    playsinline: true,
  });
  preview.muted = true;
  const level = h("meter", {
    min: 0,
    max: 1,
    testid: "device-level",
    "aria-label": t("devices.level"),
  });
  const words = h("p", { class: "state", role: "status", testid: "device-state" });
  const [mark, text] = [icon("check"), h("span")];
  words.append(mark, text);
  const retry = h(
    "button",
    {
      class: "secondary",
      type: "button",
      testid: "device-retry",
      onclick: () => devices.reopen(),
    },
    t("common.retry"),
  );
  const cameras = select(devices, "videoinput", t("devices.camera"), "device-camera-select");
  const microphones = select(
    devices,
    "audioinput",
    t("devices.microphone"),
    "device-microphone-select",
  );
  const timer = setInterval(() => {
    level.value = devices.level();
  }, LEVEL_EVERY_MS);
  const update = () => {
    const { state, problem, video } = devices;
    if (preview.srcObject?.getVideoTracks()[0] !== (video ?? undefined))
      preview.srcObject = video ? new MediaStream([video]) : null;
    words.dataset.state = state;
    words.dataset.problem = problem ?? "";
    const icons = { ready: "check", asking: "info", off: "info" };
    setIcon(mark, icons[state] ?? "warning");
    const why = { "audio-only": "devices.problem", "no-microphone": "devices.microphone" }[state];
    const parts = why && problem ? [t(`${why}.${problem}`)] : [];
    setText(text, [...parts, t(`devices.state.${state}`)].join(" "));
    retry.hidden = ["ready", "asking", "insecure"].includes(state);
    cameras.update();
    microphones.update();
  };
  return {
    element: h(
      "div",
      { class: "devices" },
      h("div", { class: "picture" }, icon("camera-off", "large"), preview),
      h("div", { class: "sound" }, icon("microphone"), level),
      words,
      retry,
      h("div", { class: "chosen" }, cameras.element, microphones.element),
    ),
    update,
    close: () => {
      clearInterval(timer);
      preview.srcObject = null;
    },
  };
}

/** A choice among several devices of a kind; nothing to choose, nothing shown. */
function select(devices, kind, label, testid) {
  const choice = h("select", {
    testid,
    onchange: () => devices.choose(kind, choice.value),
  });
  const element = h("label", {}, h("span", {}, label), choice);
  let known = "";
  const update = () => {
    const list = devices.list.filter((each) => each.kind === kind && each.deviceId);
    element.hidden = list.length < 2;
    const current = (kind === "videoinput" ? devices.video : devices.audio)?.getSettings().deviceId;
    const now = JSON.stringify([list, current]);
    if (now === known) return;
    known = now;
    choice.replaceChildren(
      ...list.map(({ deviceId, label: name }) =>
        h(
          "option",
          { value: deviceId, selected: deviceId === current },
          name || deviceId.slice(0, 8),
        ),
      ),
    );
  };
  return { element, update };
}
