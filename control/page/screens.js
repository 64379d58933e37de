/**
 * Which screen, which notice, which words: derived from the snapshots of the server, the role and
 * the time. Pure; times are Unix seconds by the server's clock.
 */

import { allowed } from "./places.js";

export const OPEN = new Set(["requested", "accepted", "active"]);
const TOLD_TO_CLIENT = new Set(["declined", "expired", "ended"]);
const TOLD_TO_SPECIALIST = new Set(["ended"]);
/** After a load, an end older than this is not shown again. */
export const OUTCOME_AGE_S = 300;

const byRequest = (a, b) => a.requested_at - b.requested_at;

/** The consultation whose call is on, if any. */
export function liveConsultation(consultations) {
  return consultations.find(({ state }) => state === "accepted" || state === "active") ?? null;
}

/**
 * { name, consultation, id }: the one screen to show now. `outcomes` are ids still to be told;
 * `place` is where the user wants to be, when nothing more pressing is going on.
 */
export function screenFor({ user, consultations, outcomes, place }) {
  if (!user) return { name: place?.name === "help" ? "help" : "signin", consultation: null };
  const live = liveConsultation(consultations);
  if (live) return { name: "call", consultation: live };
  const requested = openRequests(consultations);
  // It has five minutes; an end can wait until it is answered.
  if (requested.length && user.role === "specialist")
    return { name: "incoming", consultation: requested[0] };
  const told = consultations
    .filter((each) => outcomes.has(each.id) && !OPEN.has(each.state))
    .sort(byRequest)
    .pop();
  if (told) return { name: told.state === "ended" ? "finish" : "outcome", consultation: told };
  return screenAt(allowed(place, user.role), consultations, requested);
}

function screenAt(place, consultations, requested) {
  if (place === null || place.name === "request") {
    const waited = requested.find(({ id }) => id === place?.id) ?? requested.at(-1) ?? null;
    return { name: waited ? "waiting" : "home", consultation: waited };
  }
  const { name, id } = place;
  if (name !== "consultation") return { name, id, consultation: null };
  return { name: "record", id, consultation: consultations.find((each) => each.id === id) ?? null };
}

/** Those that wait for an answer, oldest first. */
export function openRequests(consultations) {
  return consultations.filter(({ state }) => state === "requested").sort(byRequest);
}

/** Whether the end of a consultation gets a screen of its own with this role. */
export function isTold(consultation, role) {
  return (role === "client" ? TOLD_TO_CLIENT : TOLD_TO_SPECIALIST).has(consultation.state);
}

/**
 * After a load: the id of the last end, in a set, when it is recent, was not put away, and the
 * client has not given both ratings yet. What came before it is history.
 */
export function recentOutcomes(consultations, role, dismissed, now) {
  const last = consultations
    .filter((each) => isTold(each, role))
    .sort(byRequest)
    .pop();
  const told =
    last &&
    !dismissed.has(last.id) &&
    !(role === "client" && last.ratings.specialist && last.ratings.technical) &&
    now - (last.ended_at ?? last.accept_by) < OUTCOME_AGE_S;
  return new Set(told ? [last.id] : []);
}

/**
 * What stands over the call's picture: { name, seconds } or null. `call` is the state of our own
 * connection; what concerns ourselves is said first.
 */
export function callNotice(consultation, role, call, now) {
  const until = (name, at = null) => ({
    name,
    seconds: at === null ? null : Math.max(0, at - now),
  });
  if (call === "replaced") return until("replaced");
  const { leaving, interrupted, reconnecting } = consultation;
  if (leaving)
    return until(leaving.by === role ? "self-leaving" : "other-leaving", leaving.ends_at);
  if (interrupted) return until("service-interrupted", interrupted.ends_by);
  const mine = reconnecting?.role === role;
  if (call === "reconnecting") return until("self-reconnecting", mine ? reconnecting.drop_at : null);
  if (reconnecting && !mine) return until(`${reconnecting.role}-reconnecting`, reconnecting.drop_at);
  if (call !== "connected") return until("connecting");
  if (consultation.state === "accepted") return until("partner-expected", consultation.start_by);
  return null;
}

/**
 * What is said of pictures that a slow connection does not carry, or null. `paused` is role →
 * { camera, screen }; `sending` whether we would send any picture. Ourselves first.
 */
export function pauseNotice(paused, role, sending) {
  const [mine, theirs] = [paused[role], paused[role === "client" ? "specialist" : "client"]];
  if (mine?.camera) return mine.screen ? "video-paused" : "camera-paused";
  if (theirs?.camera && sending) return theirs.screen ? "own-video-paused" : "own-camera-paused";
  return null;
}

const WITHDRAWN = {
  service: "request-withdrawn",
  operator: "request-withdrawn-by-operator",
};

/** Passing messages for a change of a request: a list of names, each told once. */
export function noticesBetween(before, after, role) {
  if (!before) return [];
  const names = [];
  if (before.state === "requested" && after.state === "cancelled" && after.withdrawn_by)
    names.push(WITHDRAWN[after.withdrawn_by]);
  else if (before.state === "requested" && role === "specialist") {
    if (after.state === "expired") names.push("request-expired");
    if (after.state === "cancelled") names.push("request-cancelled");
  }
  return names;
}

/**
 * Seconds of the session that are left, or null before it has started. An interruption of the
 * service does not count.
 */
export function timeLeft(consultation, now) {
  const { ends_at: endsAt, interrupted } = consultation;
  return endsAt === null ? null : Math.max(0, endsAt - (interrupted?.since ?? now));
}

/**
 * Why a request to this specialist is not possible now ("offline" …), or null. `connected`: whether
 * we hear the server, for else nothing is known of their presence.
 */
export function reasonAgainst(specialist, consultations, connected) {
  if (consultations.some((each) => each.specialist.id === specialist.id && OPEN.has(each.state)))
    return "open";
  if (!connected) return "lost";
  if (!specialist.takes_video) return "no-video";
  if (!specialist.presence.online) return "offline";
  if (specialist.presence.busy) return "busy";
  if (!specialist.presence.camera_ready) return "camera";
  return null;
}

/** The text of an end: key of a title and a sentence, from the reader's side. */
export function endKey(consultation, role) {
  const reason = consultation.end?.reason ?? "completed";
  const mine = `${role}_left` === reason;
  if (mine) return "you_left";
  if (reason === "did_not_start" && consultation.end.by === "operator") return "operator";
  if (reason === "did_not_start" && consultation.end.by !== "service") return "left_before_start";
  if (reason === `${role}_connection_lost`) return "own_connection_lost";
  return reason;
}

/** Whether the two ratings are asked for: the client's right, for a session that took place. */
export function canRate(consultation, role) {
  return (
    role === "client" &&
    consultation.state === "ended" &&
    consultation.started_at !== null
  );
}

/** What became of a consultation, as the key of a few words: its state, or how it ended. */
export function stateKey(consultation, role) {
  return consultation.state === "ended" ? endKey(consultation, role) : consultation.state;
}

/** Whether a rating can be given or changed at this time. */
export function ratingOpen(rating, now) {
  return rating === null || now < rating.changeable_until;
}
