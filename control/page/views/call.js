/** The call: the other large, oneself small, what stands over the picture, time and quality. */

import { h, icon, setText } from "../element.js";
import { SILENCE_LIMIT_MS } from "../rodrun_figures.js";
import { callNotice, pauseNotice, timeLeft } from "../screens.js";
import { countdown, initials } from "../times.js";
import { callControls } from "./call_controls.js";
import { earlyEnd } from "./early_end.js";
import { extension } from "./extension.js";
import { reasonOf } from "./quality.js";

const WARN_AT_S = [300, 60];

export function call(app) {
  const { t, session, devices } = app;
  const name = app.partner.name;
  const remote = h("video", {
    class: "remote",
    testid: "remote-video",
    "aria-label": t("call.remote", { name }),
    autoplay: true,
    playsinline: true,
  });
  const screen = h("video", {
    class: "screen",
    testid: "remote-screen",
    "aria-label": t("call.remoteScreen", { name }),
    autoplay: true,
    playsinline: true,
  });
  const self = h("video", {
    class: "mirror",
    testid: "self-video",
    "aria-label": t("call.self"),
    autoplay: true,
    playsinline: true,
  });
  // Sound has an element of its own: Chromium holds back the sound of a video element until the
  // first picture, which never comes from a partner without a camera.
  const voice = h("audio", { testid: "remote-audio", autoplay: true });
  remote.muted = screen.muted = self.muted = true;
  const unmute = h(
    "button",
    {
      class: "primary sound-button",
      type: "button",
      testid: "play-sound",
      hidden: true,
      onclick: () => {
        voice.muted = false;
        unmute.hidden = true;
        voice.play().catch(() => {});
      },
    },
    icon("sound"),
    t("call.playSound"),
  );
  const time = timer(app);
  const quality = qualityMark(app);
  const notice = noticeBox(app);
  const pause = pauseLine(app);
  const controls = callControls(app);
  const proposals = [earlyEnd(app), extension(app)];
  const noSelf = h(
    "span",
    { class: "no-self" },
    icon("camera-off"),
    h("span", { class: "unseen" }, t("call.cameraIsOff")),
  );
  const stage = h(
    "div",
    { class: "stage" },
    h(
      "div",
      { class: "other" },
      h(
        "div",
        { class: "no-picture" },
        h(
          "span",
          {
            class: `avatar ${app.user.role === "client" ? "specialist" : "client"}`,
            "aria-hidden": "true",
          },
          initials(name),
        ),
        h("span", {}, t("call.noPicture")),
      ),
      remote,
    ),
    screen,
    h("div", { class: "self" }, noSelf, self),
  );
  const update = () => {
    // A stream without pictures, as of a screen that nobody shares, holds the load event back for
    // as long as it has none: after a reload in the call the browser would show "loading" for ever.
    const loaded = document.readyState === "complete";
    const partner = (loaded && session.call?.remoteStream) || null;
    if (remote.srcObject !== partner)
      play(voice, partner && new MediaStream(partner.getAudioTracks()), unmute);
    play(remote, partner);
    play(screen, (loaded && session.call?.remoteScreen) || null);
    show(self, loaded ? devices.video : null);
    stage.dataset.picture = session.flow.video;
    stage.dataset.screen = session.flow.screen;
    stage.dataset.self = devices.video !== null;
    time.update();
    quality.update();
    notice.update();
    pause.update();
    stage.dataset.replaced = controls.element.hidden = session.state === "replaced";
    controls.update();
    for (const each of proposals) each.update();
  };
  return {
    element: h(
      "section",
      { class: "call" },
      h("h1", { class: "unseen" }, t("call.title", { name })),
      h(
        "div",
        { class: "top" },
        h(
          "span",
          { class: "partner" },
          h("strong", {}, name),
          h("small", {}, t(`role.${app.user.role === "client" ? "specialist" : "client"}`)),
        ),
        time.element,
        quality.element,
      ),
      stage,
      h(
        "div",
        { class: "overlay" },
        notice.element,
        pause.element,
        proposals.map((each) => each.pending),
      ),
      voice,
      unmute,
      h(
        "div",
        { class: "questions" },
        proposals.map((each) => each.question),
      ),
      controls.element,
    ),
    update,
    close: () => {
      controls.close();
      for (const element of [remote, voice, screen, self]) element.srcObject = null;
    },
  };
}

/** A browser may refuse sound before the first click: then silently, with a button for it. */
function play(element, stream, unmute = null) {
  if (element.srcObject === stream) return;
  element.srcObject = stream;
  if (!stream) return;
  element.play().catch((error) => {
    if (error.name !== "NotAllowedError" || !unmute) return;
    element.muted = true;
    unmute.hidden = false;
    element.play().catch(() => {});
  });
}

function show(video, track) {
  if ((video.srcObject?.getVideoTracks()[0] ?? null) === track) return;
  video.srcObject = track ? new MediaStream([track]) : null;
}

function timer(app) {
  const { t } = app;
  const left = h("span", { testid: "time-left", role: "timer" });
  const element = h(
    "span",
    { class: "left", title: t("call.left") },
    icon("clock"),
    h("span", { class: "unseen" }, t("call.left")),
    left,
  );
  let before = null;
  const update = () => {
    const seconds = timeLeft(app.consultation, app.now());
    setText(left, seconds === null ? "–:––" : countdown(seconds));
    element.dataset.soon = seconds !== null && seconds <= WARN_AT_S.at(-1);
    for (const limit of WARN_AT_S)
      if (before !== null && seconds !== null && before > limit && seconds <= limit)
        app.tell(`soon-${limit / 60}`, {}, `call.soon.${limit / 60}`);
    before = seconds;
  };
  return { element, update };
}

/** Levels that need no explanation. */
const GOOD_ENOUGH = new Set(["unknown", "excellent"]);

function qualityMark(app) {
  const { t, session } = app;
  const text = h("span");
  const bars = h("span", { class: "bars", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i"));
  const element = h("span", { class: "quality", testid: "quality", role: "status" }, bars, text);
  const update = () => {
    const { role } = app.user;
    const { level, leg, reasons, legs } = ownQuality(session, role, performance.now());
    element.dataset.level = level;
    const why = GOOD_ENOUGH.has(level) ? null : reasonOf(t, leg, reasons);
    setText(text, [t(`quality.${level}`), why].filter(Boolean).join(" · "));
    const [up, down] = [legs?.[`${role}_up`], legs?.[`${role}_down`]];
    const rtt = up?.rtt_ms ?? null;
    const title =
      rtt === null
        ? t("quality.label")
        : t("quality.figures", { rtt: Math.round(rtt), up: lossPct(up), down: lossPct(down) });
    if (element.title !== title) element.title = title;
  };
  return { element, update };
}

function lossPct(leg) {
  return (leg?.expected ? (100 * Math.max(leg.lost, 0)) / leg.expected : 0).toFixed(1);
}

/** The service speaks at each change, else every five seconds; older than two of its words says
 * nothing of now. */
export const FRESH_MS = 12000;

/**
 * How our own connection does at the moment `now` (ms, performance.now()): `{ level }`, and `leg`,
 * `reasons` and `legs` where the node has said so, in its words. Only the node knows which way
 * loses packets: what is missing of what comes here may be the other one's doing. What it cannot
 * say is that it does not reach us, nor we it.
 */
export function ownQuality(session, role, now) {
  const isSilent = (session.stats?.silentMs ?? 0) >= SILENCE_LIMIT_MS;
  if (isSilent || session.state === "reconnecting") return { level: "lost" };
  const said = session.measured[role];
  return said?.level && now - said.at < FRESH_MS ? said : { level: "unknown" };
}

/** A line, for it may stand there for minutes, and what goes on is behind it. */
function pauseLine(app) {
  const { t, session, devices } = app;
  const text = h("span");
  const element = h("p", { class: "pending", testid: "video-pause", role: "status" }, text);
  const update = () => {
    const sending = devices.video !== null || session.sharing;
    const notice =
      session.state === "connected" ? pauseNotice(session.paused, app.user.role, sending) : null;
    element.hidden = notice === null;
    if (notice === null) return;
    element.dataset.notice = notice;
    setText(text, t(`notice.${notice}`, { name: app.partner.name }));
  };
  return { element, update };
}

function noticeBox(app) {
  const { t, session } = app;
  const [title, lead, clock] = [
    h("strong"),
    h("p"),
    h("span", { class: "clock", "aria-hidden": "true" }),
  ];
  const here = h(
    "button",
    { class: "primary", type: "button", testid: "use-here", onclick: () => session.restart() },
    t("notice.useHere"),
  );
  const element = h(
    "div",
    { class: "over", testid: "call-notice", role: "status" },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    h("div", {}, title, lead),
    clock,
    here,
  );
  const update = () => {
    const notice = callNotice(app.consultation, app.user.role, session.state, app.now());
    element.hidden = notice === null;
    here.hidden = notice?.name !== "replaced";
    if (!notice) return;
    element.dataset.notice = notice.name;
    setText(title, t(`notice.${notice.name}`, { name: app.partner.name }));
    setText(lead, notice.name === "connecting" ? "" : t(`notice.${notice.name}Lead`));
    setText(clock, notice.seconds === null ? "" : countdown(notice.seconds));
  };
  return { element, update };
}
