/**
 * What this browser's network carries to the node and back, found out before a call, for any
 * frontend. Needs no camera: a picture that is drawn goes out on one connection and comes back on
 * another, through the very node that calls go through, which measures it like any call.
 *
 *   const result = await probe({ getAuthorization: () => `Bearer ${accessToken}` });
 *   if (advise(result) === "audio-only") …
 *
 * It takes about 6 s and some megabits a second: not during a call. Types are in rodrun.d.ts.
 */

import { CallError, Connection, request } from "./rodrun_connection.js";

const MEDIA_MS = 5000;
const POST_TIMEOUT_MS = 8000;
const PICTURE = { width: 640, height: 360, frameMs: 33 };
/**
 * Striped squares that change with each frame. A coarse encoder makes little of them, so that a narrow
 * network is not flooded, and a fine one much, so that the rate can rise on a wide one.
 */
const SQUARES = 6;
const SQUARE_PX = 48;
const STRIPE_PX = 3;
/** Loss up to which a browser's own estimate is believed: it falls late where much is lost. */
const BELIEVED_LOSS_PCT = 2;

/** Where the advice changes; the reasons are in docs/quality.md. */
export const LIMITS = {
  video: { bitrateBps: 400_000, lossPct: 3, rttMs: 300 },
  coarse: { bitrateBps: 200_000, lossPct: 10, rttMs: 600 },
  sound: { bitrateBps: 40_000, lossPct: 25, rttMs: 1000 },
};

/**
 * One word for what a probe found: "video", "coarse" (video, of which not much is to be expected),
 * "audio-only", "poor" (not even that), "blocked" or "unknown". Pure.
 */
export function advise({ path, rttMs, up, down }) {
  if (path === "blocked") return "blocked";
  if (!up || !down) return "unknown";
  const found = {
    bitrateBps: Math.min(up.bitrateBps, down.bitrateBps),
    lossPct: Math.max(up.lossPct ?? 0, down.lossPct ?? 0),
    rttMs: rttMs ?? 0,
  };
  const keeps = (limit) =>
    found.bitrateBps >= limit.bitrateBps &&
    found.lossPct <= limit.lossPct &&
    found.rttMs <= limit.rttMs;
  if (keeps(LIMITS.video)) return "video";
  if (keeps(LIMITS.coarse)) return "coarse";
  // A probe floods a narrow network for a moment, as the sound of a call does not: its queues and
  // losses say nothing of sound.
  const { bitrateBps } = found;
  const isNarrow = bitrateBps >= LIMITS.sound.bitrateBps && bitrateBps < LIMITS.coarse.bitrateBps;
  return isNarrow || keeps(LIMITS.sound) ? "audio-only" : "poor";
}

/** Rejects with CallError: what control refuses, "unreachable", "aborted", "hidden". */
export async function probe(options) {
  const { endpoint = "/api/v1", getAuthorization, onmedia = () => {} } = options;
  const signal = options.signal ?? new AbortController().signal;
  const base = endpoint.replace(/\/$/, "");
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const ask = async (method, path, body) => {
    const limit = AbortSignal.timeout(POST_TIMEOUT_MS);
    // a probe that is called off gives its places back all the same
    const isCalledOff = method !== "DELETE" && AbortSignal.any;
    return request(fetch, base + path, {
      method,
      headers: {
        Authorization: await getAuthorization(),
        ...(body && { "Content-Type": "application/json" }),
      },
      body: body && JSON.stringify(body),
      signal: isCalledOff ? AbortSignal.any([signal, limit]) : limit,
    });
  };
  const iceServers =
    options.iceServers ?? (await ask("GET", "/ice-servers").finally(() => stopIf(signal)));
  const picture = drawn();
  const tracks = { audio: null, video: null, screen: null };
  const sender = new Connection({ ...tracks, video: picture.track }, { iceServers });
  const receiver = new Connection(tracks, { iceServers });
  let id = null;
  try {
    const [sender_offer, receiver_offer] = await Promise.all([sender.offer(), receiver.offer()]);
    const began = await ask("POST", "/probes", { sender_offer, receiver_offer });
    id = began.id;
    const node = nodeAddress(began.sender_answer);
    await Promise.all([
      sender.accept(began.sender_answer),
      receiver.accept(began.receiver_answer),
    ]);
    const isConnected = await Promise.all([sender.connected(signal), receiver.connected(signal)])
      .then(() => true)
      .catch(() => false);
    stopIf(signal);
    if (!isConnected)
      return { path: "blocked", node, rttMs: null, up: null, down: null };
    onmedia();
    await shown(MEDIA_MS, signal);
    const [path, estimateBps] = await Promise.all([
      pathOf([sender, receiver]),
      estimateOf(sender),
    ]);
    const figures = await ask("GET", `/probes/${id}`);
    const isCalm = [figures.up, figures.down].every(
      (leg) => (leg?.loss_pct ?? 0) <= BELIEVED_LOSS_PCT,
    );
    const leastBps = isCalm ? estimateBps : 0;
    const way = (leg) =>
      leg && { lossPct: leg.loss_pct, bitrateBps: Math.max(leg.bitrate_bps, leastBps) };
    return { path, node, rttMs: figures.rtt_ms, up: way(figures.up), down: way(figures.down) };
  } catch (error) {
    stopIf(signal);
    throw error instanceof CallError ? error : new CallError(error.message);
  } finally {
    sender.close();
    receiver.close();
    picture.stop();
    if (id !== null) ask("DELETE", `/probes/${id}`).catch(() => {}); // else it ends by itself
  }
}

function stopIf(signal) {
  if (signal.aborted) throw new CallError("called off", { code: "aborted" });
}

/** Colours that change faster than they could be foreseen. */
function drawn() {
  const canvas = document.createElement("canvas");
  canvas.width = PICTURE.width;
  canvas.height = PICTURE.height;
  const context = canvas.getContext("2d");
  const upTo = (limit) => Math.floor(Math.random() * limit);
  const draw = () => {
    for (let square = 0; square < SQUARES; square += 1) {
      const [x, y] = [upTo(PICTURE.width), upTo(PICTURE.height)];
      for (let stripe = 0; stripe < SQUARE_PX; stripe += STRIPE_PX) {
        context.fillStyle = `rgb(${upTo(256)} ${upTo(256)} ${upTo(256)})`;
        context.fillRect(x + stripe, y, STRIPE_PX, SQUARE_PX);
      }
    }
  };
  draw();
  const timer = setInterval(draw, PICTURE.frameMs);
  const [track] = canvas.captureStream(30).getVideoTracks();
  return {
    track,
    stop: () => {
      clearInterval(timer);
      track.stop();
    },
  };
}

/** Resolves after that time; rejects when called off, or when the page is hidden and draws no more. */
function shown(ms, signal) {
  return new Promise((resolve, reject) => {
    const done = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", look);
      document.removeEventListener("visibilitychange", look);
      settle(value);
    };
    const look = () => {
      if (signal.aborted) done(reject, new CallError("called off", { code: "aborted" }));
      else if (document.hidden) done(reject, new CallError("page hidden", { code: "hidden" }));
    };
    const timer = setTimeout(() => done(resolve), ms);
    signal.addEventListener("abort", look);
    document.addEventListener("visibilitychange", look);
    look();
  });
}

/**
 * What the browser believes that it may send, 0 where it does not say (Firefox). A slow machine draws
 * and encodes less than its network would carry; the estimate is of the whole way there and back.
 */
async function estimateOf({ pc }) {
  const all = [...(await pc.getStats()).values()];
  const found = all.map(({ availableOutgoingBitrate }) => availableOutgoingBitrate ?? 0);
  return Math.round(Math.max(0, ...found));
}

/** "relay" when a connection goes over TURN, else "direct". */
async function pathOf(connections) {
  for (const { pc } of connections) {
    const report = await pc.getStats();
    const all = [...report.values()];
    const used = all.find(({ type, selectedCandidatePairId }) =>
      type === "transport" && selectedCandidatePairId)?.selectedCandidatePairId;
    const pair =
      report.get(used) ??
      all.find(({ type, nominated, state }) =>
        type === "candidate-pair" && nominated && state === "succeeded");
    if (report.get(pair?.localCandidateId)?.candidateType === "relay") return "relay";
  }
  return "direct";
}

/** "192.0.2.1:7878": where the node listens, for whoever opens a firewall. */
function nodeAddress(sdp) {
  const [, host, port] = sdp.match(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /im) ?? [];
  if (!host) return null;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
