/**
 * The browser side of a rodrun call, for any frontend: no page and no framework needed.
 *
 *   const call = new Call({ endpoint: "/api/v1", getJoinToken, getAuthorization });
 *   call.addEventListener("remotestream", ({ detail: { stream } }) => {
 *     video.srcObject = stream; // muted; the sound has an element of its own, see rodrun.d.ts
 *     audio.srcObject = new MediaStream(stream.getAudioTracks());
 *   });
 *   call.setMedia(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
 *   call.start();
 *
 * One peer connection, one round trip: the offer carries audio, video and screen as sendrecv and
 * the partner's media arrives on the same three m-lines. The node is ICE-lite with its host
 * candidates in the answer, so the offer is posted without waiting for candidates of our own.
 * Joining does not wait for camera and microphone either: tracks may be given before or after.
 *
 * A Call keeps itself alive until it is told to stop: silence → ICE restart → join anew with a
 * fresh token, with back-off. Types and the meaning of every event are in rodrun.d.ts.
 */

import { CallError, Connection, request } from "./rodrun_connection.js";
import { SILENCE_LIMIT_MS, heardSince, readStats, summary } from "./rodrun_figures.js";

export { CallError };

const POLL_MS = 1000;
/** While the partner's picture is awaited, so that it is shown when it is there. */
const EAGER_POLL_MS = 250;
const POST_TIMEOUT_MS = 5000;
const RESTART_TIMEOUT_MS = 4000;
/** Browsers repeat a still screen about once a second; three misses mean it has stopped. */
const SCREEN_IDLE_MS = 3500;
const VIDEO_IDLE_MS = 2500;

/** state → trigger → state; a trigger that is not listed changes nothing. */
export const TRANSITIONS = {
  new: { start: "connecting", stop: "closed" },
  connecting: { up: "connected", replaced: "replaced", refused: "closed", stop: "closed" },
  connected: { trouble: "reconnecting", replaced: "replaced", refused: "closed", stop: "closed" },
  reconnecting: { up: "connected", replaced: "replaced", refused: "closed", stop: "closed" },
  replaced: { stop: "closed" },
  closed: {},
};

/** Milliseconds to wait after that many failures in a row: the 15-second rule leaves no leisure. */
export function backOffMs(failures) {
  return Math.min(2000, 250 * 2 ** Math.max(0, failures - 1));
}

/**
 * The next thing to try. A restart keeps the DTLS association, so it is tried first and, while it
 * is only the network that keeps the request from getting through, once more; then a new join.
 */
export function nextPlan(plan, error, failures) {
  const unreachable = plan === "restart" && error.status === 0 && error.code === "unreachable";
  return unreachable && failures < 3 ? "restart" : "join";
}

export class Call extends EventTarget {
  #endpoint;
  #getJoinToken;
  #getAuthorization;
  #fetch;
  #iceServers;
  #state = "new";
  #tracks = { audio: null, video: null, screen: null };
  #muted = false;
  #paused = { camera: false, screen: false };
  #connection = null; // the one whose media is shown
  #joining = null; // the one that is about to take its place
  #told = []; // what control said while a join was under way
  #stop = new AbortController();
  #wake = null; // ends the present wait: called with the next plan
  #asked = null; // a plan asked for while nothing was waiting
  #last = null; // figures of the last poll
  #heardAt = 0;
  #frameAt = { video: 0, screen: 0 };
  #flowing = { video: false, screen: false };

  constructor(options) {
    super();
    const { endpoint = "/api/v1", getJoinToken, getAuthorization = null, fetch = null } = options;
    this.#iceServers = options.iceServers ?? null;
    this.#endpoint = endpoint.replace(/\/$/, "");
    this.#getJoinToken = getJoinToken;
    this.#getAuthorization = getAuthorization;
    this.#fetch = fetch ?? ((url, init) => globalThis.fetch(url, init));
  }

  get state() {
    return this.#state;
  }

  get connectionId() {
    return this.#connection?.id ?? null;
  }

  get remoteStream() {
    return this.#connection?.camera ?? null;
  }

  get remoteScreen() {
    return this.#connection?.screen ?? null;
  }

  get paused() {
    return { ...this.#paused };
  }

  get flowing() {
    return { ...this.#flowing };
  }

  /** Join and stay joined. Returns at once; the events tell what happens. */
  start() {
    if (this.#state !== "new") return;
    this.#move("start");
    globalThis.addEventListener?.("online", this.#online);
    this.#run();
  }

  /** Leave for good: closes the connection; the tracks given to the call are left running. */
  stop() {
    this.#finish("stop", "stopped");
  }

  /** Statistics of the present connection, as the browser gives them; null before the first. */
  async getStats() {
    return this.#connection ? this.#connection.pc.getStats() : null;
  }

  /** Send the first audio and the first video track of `stream`; null sends neither. */
  async setMedia(stream) {
    await Promise.all([
      this.setAudio(stream?.getAudioTracks()[0] ?? null),
      this.setCamera(stream?.getVideoTracks()[0] ?? null),
    ]);
  }

  async setAudio(track) {
    if (track) track.enabled = !this.#muted;
    await this.#replace("audio", track);
  }

  /** Null sends no picture and keeps the sender, so the next track needs no negotiation. */
  async setCamera(track) {
    await this.#replace("video", track);
  }

  /** Share the video track of a getDisplayMedia stream; null ends the sharing. */
  async setScreen(stream) {
    const track = stream?.getVideoTracks()[0] ?? null;
    if (track) {
      track.contentHint = "detail"; // sharp letters matter more than smooth motion
      track.addEventListener("ended", () => {
        if (this.#tracks.screen === track) this.setScreen(null);
      });
    }
    await this.#replace("screen", track);
    this.#emit("screenchange", { sharing: track !== null });
  }

  /** Muted audio goes on as silence: the partner's side and the node still hear from us. */
  setMuted(muted) {
    this.#muted = muted;
    if (this.#tracks.audio) this.#tracks.audio.enabled = !muted;
  }

  /** Control says what the partner's connection does not carry: that is not sent until it does. */
  async pauseVideo({ camera = false, screen = false }) {
    this.#paused = { camera, screen };
    await Promise.all(this.#open.map((connection) => connection.pause(this.#paused)));
  }

  /** Control says that `connectionId` was replaced by a newer join of the same participant. */
  replaced(connectionId) {
    this.#hear({ what: "replaced", connectionId });
  }

  /** Control asks for a new join in place of `connectionId` (another codec, or a failed set-up). */
  rejoin(connectionId) {
    this.#hear({ what: "rejoin", connectionId });
  }

  #hear(word) {
    if (this.#joining) {
      this.#told.push(word); // may be about the connection whose id we do not know yet
    } else if (this.#connection && word.connectionId === this.#connection.id) {
      if (word.what === "replaced") this.#finish("replaced", "replaced");
      else if (this.#wake) this.#wake("join");
      else this.#asked = "join";
    }
  }

  async #run() {
    let plan = "join";
    let failures = 0;
    this.#keepPolling();
    while (!this.#stop.signal.aborted) {
      if (plan === "watch") {
        plan = await this.#wait();
        failures = 0;
        continue;
      }
      try {
        await (plan === "restart" ? this.#restart() : this.#join());
        plan = "watch";
        this.#move("up");
        for (const word of this.#told.splice(0)) this.#hear(word);
      } catch (error) {
        this.#told.length = 0;
        if (this.#stop.signal.aborted) return;
        if (error.final) return this.#finish("refused", error.message);
        failures += 1;
        plan = nextPlan(plan, error, failures);
        this.#emit("attemptfailed", { error, failures });
        plan = await this.#wait(backOffMs(failures), plan);
      }
    }
  }

  /** Until something calls #wake; with a limit, until then at most. */
  #wait(limitMs = null, plan = "watch") {
    const asked = this.#asked;
    this.#asked = null;
    if (asked) return asked;
    return new Promise((resolve) => {
      const timer = limitMs === null ? null : setTimeout(() => this.#wake(plan), limitMs);
      this.#wake = (next) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(limitMs === null ? next : plan);
      };
    });
  }

  /** Make before break: what plays now goes on until the new connection is up. */
  async #join() {
    let connection = this.#begin(this.#iceServers ?? []);
    try {
      let [joinToken, offer] = await Promise.all([this.#getJoinToken(), connection.offer()]);
      if (typeof joinToken === "string") joinToken = { token: joinToken };
      const { token, ice_servers: iceServers = [] } = joinToken;
      if (this.#iceServers === null && iceServers.length) {
        // a connection gathers by the servers that it began with
        connection.close();
        connection = this.#begin(iceServers);
        offer = await connection.offer();
      }
      const reply = await this.#post("/join", { token, offer });
      connection.id = reply.connection_id;
      connection.videoCodec = reply.video_codec;
      await connection.accept(reply.answer);
      await connection.pause(this.#paused);
      await connection.connected(this.#stop.signal);
    } catch (error) {
      connection.close();
      throw error instanceof CallError ? error : new CallError(error.message, { ...error });
    } finally {
      this.#joining = null;
    }
    this.#connection?.close();
    this.#connection = connection;
    this.#last = null;
    this.#heardAt = performance.now();
    await this.#sendLatest(connection);
    connection.pc.addEventListener("connectionstatechange", () => {
      if (this.#connection !== connection) return;
      if (connection.pc.connectionState === "disconnected") this.#trouble("restart");
      if (connection.pc.connectionState === "failed") this.#trouble("join");
    });
    this.#emit("connection", { connectionId: connection.id, videoCodec: connection.videoCodec });
    this.#emit("remotestream", { stream: connection.camera, screen: connection.screen });
  }

  #begin(iceServers) {
    this.#joining = new Connection(this.#tracks, { iceServers });
    return this.#joining;
  }

  /** New ICE credentials on the same connection: same DTLS association, m-lines and SSRCs. */
  async #restart() {
    const connection = this.#connection;
    const authorization = await this.#getAuthorization?.();
    if (!authorization) throw new CallError("no authorization for an ICE restart");
    const before = await this.#figures();
    const offer = await connection.offer({ iceRestart: true });
    const path = `/connections/${encodeURIComponent(connection.id)}/ice-restart`;
    const { answer } = await this.#post(path, { offer }, { Authorization: authorization });
    await connection.accept(answer);
    const limit = performance.now() + RESTART_TIMEOUT_MS;
    while (!heardSince(before, await this.#figures())) {
      if (this.#stop.signal.aborted) throw new CallError("stopped");
      if (performance.now() > limit)
        throw new CallError("silent after an ICE restart", { code: "timeout" });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    this.#heardAt = performance.now();
  }

  #trouble(plan) {
    if (this.#state !== "connected" || !this.#wake) return;
    this.#move("trouble");
    this.#wake(this.#getAuthorization ? plan : "join");
  }

  #online = () => {
    if (this.#state === "connected")
      this.#trouble("restart"); // another network: the old path is gone
    else this.#wake?.("join"); // end the back-off at once
  };

  async #replace(name, track) {
    this.#tracks[name] = track;
    await Promise.all(this.#open.map((each) => each.lines[name].sender.replaceTrack(track)));
  }

  get #open() {
    return [this.#connection, this.#joining].filter((each) => each?.isOpen);
  }

  /** A track may have been given while the join was under way. */
  async #sendLatest(connection) {
    for (const [name, line] of Object.entries(connection.lines)) {
      if (line.sender.track !== this.#tracks[name])
        await line.sender.replaceTrack(this.#tracks[name]);
    }
  }

  /** Say what a pause keeps back: no packet tells then that our camera was turned off. */
  async #tellVideo(connection) {
    const isLive = (track) => track?.readyState === "live";
    const video = { camera: isLive(this.#tracks.video), screen: isLive(this.#tracks.screen) };
    const told = connection.toldVideo;
    const isNews = video.camera !== told.camera || video.screen !== told.screen;
    if (!isNews || !(this.#paused.camera || this.#paused.screen)) return;
    connection.toldVideo = video; // on its way
    try {
      const authorization = await this.#getAuthorization?.();
      if (!authorization) throw new CallError("no authorization to say what there is to send");
      const path = `/connections/${encodeURIComponent(connection.id)}/video`;
      await this.#send("PUT", path, video, { Authorization: authorization });
    } catch {
      connection.toldVideo = told; // the next poll tries again
    }
  }

  #post(path, body, headers = {}) {
    return this.#send("POST", path, body, headers);
  }

  #send(method, path, body, headers) {
    return request(this.#fetch, this.#endpoint + path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.any
        ? AbortSignal.any([this.#stop.signal, AbortSignal.timeout(POST_TIMEOUT_MS)])
        : this.#stop.signal,
    });
  }

  async #figures() {
    return readStats(
      await this.#connection.pc.getStats(),
      this.#connection.lines,
      performance.now(),
    );
  }

  async #keepPolling() {
    while (!this.#stop.signal.aborted) {
      await this.#poll();
      const pause = this.#flowing.video ? POLL_MS : EAGER_POLL_MS;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #poll() {
    const connection = this.#connection;
    if (!connection) return;
    this.#tellVideo(connection);
    const now = await this.#figures().catch(() => null);
    if (!now || connection !== this.#connection || this.#stop.signal.aborted) return;
    const before = this.#last;
    this.#last = now;
    if (!before || heardSince(before, now)) this.#heardAt = now.at;
    for (const [name, idleMs] of [
      ["video", VIDEO_IDLE_MS],
      ["screen", SCREEN_IDLE_MS],
    ]) {
      const frames = now[`${name}Frames`];
      if (frames > (before?.[`${name}Frames`] ?? 0)) this.#frameAt[name] = now.at;
      const flowing = this.#frameAt[name] > 0 && now.at - this.#frameAt[name] < idleMs;
      if (flowing !== this.#flowing[name]) {
        this.#flowing[name] = flowing;
        this.#emit("flow", { ...this.#flowing });
      }
    }
    if (before) this.#emit("stats", summary(before, now, now.at - this.#heardAt));
    if (now.at - this.#heardAt >= SILENCE_LIMIT_MS) this.#trouble("restart");
  }

  #finish(trigger, reason) {
    if (!this.#move(trigger, reason)) return;
    this.#stop.abort();
    globalThis.removeEventListener?.("online", this.#online);
    this.#wake?.("stop");
    this.#connection?.close();
    this.#joining?.close();
  }

  #move(trigger, reason = "") {
    const next = TRANSITIONS[this.#state][trigger];
    if (!next) return false;
    this.#state = next;
    this.#emit("statechange", { state: next, reason });
    return true;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
