/** How the connections do: why, in words, and in the end as a picture of the whole session. */

import { h } from "../element.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDES = ["client", "specialist"];
/** Scores go from 1 to 4.5; docs/quality.md. */
const [WORST, BEST] = [1, 4.5];
const [WIDTH, HEIGHT] = [600, 44];
/** What was measured last is kept, and summed up, a moment after the end. */
const RETRY_MS = [500, 1500, 3000];
/** What was told of sessions that are summed up: it changes no more. */
const known = new Map();

/** What takes a leg down most, in words; null for nothing worth a word. */
export function reasonOf(t, leg, reasons) {
  const [worst] = reasons ?? [];
  if (!leg || !worst) return null;
  const value = String(Math.round(worst.value * 10) / 10);
  return t("quality.because", {
    leg: t(`quality.leg.${leg.split("_").at(-1)}`),
    reason: t(`quality.reason.${worst.code}`, { value }),
  });
}

/**
 * The worse leg of each side in each period: `{ client: [{ at, duration_s, mos, level }], … }`.
 * What the node itself did is part of both.
 */
export function sidesOf(periods) {
  const scoresOf = (side, { at, duration_s, legs }) => {
    const scores = [`${side}_up`, `${side}_down`, "node"].map((leg) => legs[leg]).filter(Boolean);
    if (!legs[`${side}_up`] && !legs[`${side}_down`]) return null;
    const worst = scores.reduce((low, each) => (each.mos < low.mos ? each : low));
    return { at, duration_s, mos: worst.mos, level: worst.level };
  };
  return Object.fromEntries(
    SIDES.map((side) => [side, periods.map((each) => scoresOf(side, each)).filter(Boolean)]),
  );
}

/** A card that shows itself as soon as there is something to show. */
export function qualityCard(app) {
  const { t } = app;
  const { id } = app.consultation;
  const element = h("div", { class: "card quality-card", testid: "finish-quality" });
  element.hidden = true;
  const show = (told) => {
    element.replaceChildren(h("h2", {}, t("quality.label")), ...drawn(app, told));
    element.hidden = false;
  };
  const load = async () => {
    for (const pause of RETRY_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const told = await app.api.quality(id).catch(() => null);
      if (!told?.verdict) continue;
      show(told);
      if (!told.complete) continue;
      known.set(id, told);
      return;
    }
  };
  if (known.has(id)) show(known.get(id));
  else load();
  return element;
}

function drawn(app, { periods, verdict }) {
  const { t } = app;
  const sides = sidesOf(periods);
  const [from, to] = [periods[0].at, periods.at(-1).at + periods.at(-1).duration_s];
  const rows = SIDES.map((side) => {
    const whose = whoseIs(app, side);
    return h("figure", {}, h("figcaption", {}, whose), picture(t, whose, sides[side], from, to));
  });
  const [side] = verdict.leg.split("_");
  const name = side === "node" ? null : whoseIs(app, side);
  const why = reasonOf(t, verdict.leg, verdict.reasons);
  const said = why ? [name, why].filter(Boolean).join(" · ") : t("quality.nothing");
  return [...rows, h("p", { class: "hint", testid: "quality-verdict" }, said)];
}

function whoseIs({ t, user }, side) {
  return t(side === user.role ? "quality.own" : `quality.of.${side}`);
}

/** Bars over time, as high as the score, in the colour of the level. */
function picture(t, whose, scores, from, to) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${whose}: ${shares(t, scores)}`);
  const scale = WIDTH / Math.max(to - from, 1);
  for (const { at, duration_s, mos, level } of scores) {
    const height = Math.max(3, ((mos - WORST) / (BEST - WORST)) * HEIGHT);
    const bar = document.createElementNS(SVG, "rect");
    const place = {
      x: (at - from) * scale,
      y: HEIGHT - height,
      width: Math.max(duration_s * scale - 0.5, 0.5),
      height,
    };
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value.toFixed(1));
    bar.setAttribute("data-level", level);
    svg.append(bar);
  }
  return svg;
}

/** How much of the time was at which level, the longest first. */
function shares(t, scores) {
  const lasted = {};
  for (const { duration_s, level } of scores) lasted[level] = (lasted[level] ?? 0) + duration_s;
  const whole = Object.values(lasted).reduce((sum, each) => sum + each, 0);
  return Object.entries(lasted)
    .sort(([, one], [, other]) => other - one)
    .map(([level, part]) => `${t(`quality.${level}`)} ${Math.round((100 * part) / whole)} %`)
    .join(", ");
}
