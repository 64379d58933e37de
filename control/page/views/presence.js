/** The handset and the camera of a specialist: on line, and whether a video meeting is possible. */

import { h, icon, setIcon, setText } from "../element.js";

export function presence(app) {
  const { t } = app;
  const handset = h("span", { class: "presence", testid: "presence" });
  const camera = h("span", { class: "camera", testid: "camera" });
  const [handsetText, cameraText] = [h("span"), h("span")];
  const handsetIcon = icon("handset");
  handset.append(handsetIcon, handsetText);
  camera.append(icon("camera"), cameraText);
  const update = (specialist) => {
    const { online, camera_ready: ready, busy } = specialist.presence;
    handset.dataset.online = online;
    handset.dataset.busy = busy;
    setIcon(handsetIcon, online ? "handset-on" : "handset");
    const key = !online ? "offline" : busy ? "busy" : "online";
    setText(handsetText, t(`presence.${key}`));
    const possible = online && ready && specialist.takes_video;
    camera.dataset.ready = possible;
    const cameraKey = possible ? "ready" : specialist.takes_video ? "notReady" : "none";
    setText(cameraText, t(`camera.${cameraKey}`));
  };
  return { element: h("div", { class: "signs" }, handset, camera), update };
}
