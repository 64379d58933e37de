/** What a call has to expect of devices and network, as a list with one line of advice. */

import { h, icon, setIcon, setText } from "../element.js";
import { hasText } from "../language.js";
import { LIMITS } from "../rodrun_probe.js";
import { rate, share } from "../times.js";

const ITEMS = ["camera", "microphone", "path", "rtt", "loss", "bitrate"];
const ICONS = { ok: "check", warn: "warning", bad: "warning", unknown: "info" };
const ADVICE_MARKS = { video: "ok", coarse: "warn", unknown: "warn", "audio-only": "warn" };

export function precheckPanel(app) {
  const { t, precheck } = app;
  const rows = Object.fromEntries(ITEMS.map((name) => [name, row(t, name)]));
  const mark = icon("info");
  const words = h("span");
  const advice = h("p", { class: "advice", role: "status", testid: "precheck-advice" }, mark, words);
  const again = h("button", {
    class: "secondary",
    type: "button",
    testid: "precheck-again",
    onclick: () => precheck.run(),
  });
  const update = () => {
    const { state, result } = precheck;
    for (const name of ITEMS) rows[name].show(...itemOf(app, name));
    const [name, text] = adviceOf(app);
    element.dataset.state = state;
    advice.dataset.advice = name;
    advice.dataset.mark = ADVICE_MARKS[name] ?? (["idle", "running"].includes(name) ? "" : "bad");
    setIcon(mark, ICONS[advice.dataset.mark] ?? "info");
    setText(words, text);
    again.setAttribute("aria-disabled", String(state === "running"));
    setText(again, t(result || state === "failed" ? "precheck.again" : "precheck.start"));
  };
  const element = h(
    "div",
    { class: "precheck", testid: "precheck" },
    h("h2", {}, t("precheck.title")),
    h("ul", {}, ITEMS.map((name) => rows[name].element)),
    advice,
    again,
  );
  return { element, update };
}

function row(t, name) {
  const mark = icon("info");
  const [value, meaning] = [h("span", { class: "value" }), h("span", { class: "unseen" })];
  const element = h(
    "li",
    { testid: `precheck-${name}` },
    mark,
    h("span", { class: "grow" }, t(`precheck.${name}`)),
    value,
    meaning,
  );
  const show = (level, text) => {
    element.dataset.mark = level;
    setIcon(mark, ICONS[level]);
    setText(value, text);
    setText(meaning, level === "unknown" ? "" : ` (${t(`precheck.mark.${level}`)})`);
  };
  return { element, show };
}

/** [mark, text] of an item; what is not known is a dash. */
function itemOf({ t, language, devices, precheck }, name) {
  if (name === "camera" || name === "microphone") {
    if (["off", "asking"].includes(devices.state)) return ["unknown", "–"];
    const works = (name === "camera" ? devices.video : devices.audio) !== null;
    return [works ? "ok" : name === "camera" ? "warn" : "bad", t(`precheck.works.${works}`)];
  }
  const { result, state } = precheck;
  if (!result || state === "running") return ["unknown", "–"];
  const { path, rttMs, up, down } = result;
  if (name === "path")
    return [{ direct: "ok", relay: "warn", blocked: "bad" }[path], t(`precheck.path.${path}`)];
  if (name === "rtt") {
    if (rttMs === null) return ["unknown", "–"];
    return [markOf("rttMs", rttMs), t("precheck.ms", { ms: Math.round(rttMs) })];
  }
  if (!up || !down) return ["unknown", "–"];
  if (name === "loss") {
    const places = { up: share(up.lossPct ?? 0, language), down: share(down.lossPct ?? 0, language) };
    return [markOf("lossPct", Math.max(up.lossPct, down.lossPct)), t("precheck.ways", places)];
  }
  const places = { up: rate(up.bitrateBps, t, language), down: rate(down.bitrateBps, t, language) };
  const least = Math.min(up.bitrateBps, down.bitrateBps);
  return [markOf("bitrateBps", least), t("precheck.ways", places)];
}

/** How a figure stands to the limits of video and of coarse video. */
function markOf(figure, value) {
  const keeps = (limit) => (figure === "bitrateBps" ? value >= limit : value <= limit);
  if (keeps(LIMITS.video[figure])) return "ok";
  return keeps(LIMITS.coarse[figure]) ? "warn" : "bad";
}

/** [what is advised, in words] */
function adviceOf({ t, precheck }) {
  const { state, problem, result, advice } = precheck;
  if (state === "failed") {
    const why = problem === "unreachable" ? "notice.unreachable" : `problem.${problem}`;
    return ["failed", t("precheck.failed", { why: hasText(why) ? t(why) : "" })];
  }
  if (state !== "done") return [state, t(`precheck.advice.${state}`)];
  return [advice, t(`precheck.advice.${advice}`, { node: result.node ?? "" })];
}
