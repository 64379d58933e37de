/** Keeps one Call going for the consultation that is on, with our devices as its media. */

import { ENDPOINT } from "./api.js";
import { Call } from "./rodrun.js";

const KEY = "rodrun.call"; // sessionStorage: survives a reload of this tab, not its end

/** What was on in this tab before a reload: { id, muted, cameraOn }, or null. */
export function interruptedCall() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
}

/**
 * Dispatches "change" when anything that is shown changes, and "connection" after each join.
 * `call` is null when no consultation is on.
 */
export class CallSession extends EventTarget {
  call = null;
  id = null;
  muted = false;
  sharing = false;
  stats = null; // what this browser measures, see rodrun.d.ts
  measured = {}; // role → what the node measured last
  paused = {}; // role → what is not sent to it: { camera, screen }
  flow = { video: false, screen: false };
  #api;
  #devices;
  #role = null;

  constructor(api, devices) {
    super();
    this.#api = api;
    this.#devices = devices;
    devices.addEventListener("change", () => this.#giveMedia());
    globalThis.rodrunCall = null; // for support: await rodrunCall.getStats()
  }

  get state() {
    return this.call?.state ?? "new";
  }

  /** Be in the call of that consultation, or in none. Calling again changes nothing. */
  follow(id) {
    if (id === this.id) return;
    this.#end();
    if (id === null) return;
    const before = interruptedCall();
    const resumed = before?.id === id ? before : { id, muted: false, cameraOn: true };
    this.id = id;
    this.muted = resumed.muted;
    this.#devices.cameraOn = resumed.cameraOn;
    this.#begin();
  }

  /** Take the call over from the page that replaced us. */
  restart() {
    const { id, muted } = this;
    this.call?.stop();
    this.id = id;
    this.muted = muted;
    this.#begin();
  }

  setMuted(muted) {
    this.muted = muted;
    this.call?.setMuted(muted);
    this.#remember();
    this.#changed();
  }

  async setCamera(on) {
    const done = await this.#devices.setCamera(on);
    this.#remember();
    return done;
  }

  async setSharing(stream) {
    await this.call?.setScreen(stream);
  }

  /** What the node measured of one side; `at` is when we heard it. */
  heardQuality({ consultation_id, participant, ...figures }) {
    if (consultation_id !== this.id) return;
    this.measured[participant] = { ...figures, at: performance.now() };
  }

  /** Which side we are; known a moment after the call when a reload interrupted it. */
  set role(role) {
    this.#role = role;
    this.#pause();
  }

  /** What a connection does not carry; each word holds until the next. */
  heardPause({ consultation_id, receiver, camera, screen }) {
    if (consultation_id !== this.id) return;
    this.paused[receiver] = { camera, screen };
    this.#pause();
  }

  /** Hold back what the other one's connection does not carry. */
  #pause() {
    const others = Object.keys(this.paused).filter((role) => role !== this.#role);
    if (this.#role && others.length) this.call?.pauseVideo(this.paused[others[0]]);
  }

  #begin() {
    const call = new Call({
      endpoint: ENDPOINT,
      getJoinToken: () => this.#api.joinToken(this.id),
      getAuthorization: () => `Bearer ${this.#api.token}`,
    });
    this.call = globalThis.rodrunCall = call;
    const on = (type, listener) =>
      call.addEventListener(type, ({ detail }) => {
        if (this.call !== call) return;
        listener(detail);
        this.#changed();
      });
    on("statechange", ({ state }) => {
      if (state !== "replaced") return;
      this.#devices.close();
      this.flow = { video: false, screen: false };
    });
    on("remotestream", () => {});
    on("flow", (flow) => (this.flow = flow));
    on("stats", (stats) => (this.stats = stats));
    on("screenchange", ({ sharing }) => (this.sharing = sharing));
    on("connection", () => this.dispatchEvent(new Event("connection")));
    call.setMuted(this.muted);
    this.#pause();
    this.#giveMedia();
    this.#devices.open(); // runs beside the join; the tracks follow when they are there
    call.start();
    this.#remember();
    this.#changed();
  }

  #end() {
    if (!this.call) return;
    this.call.stop();
    this.call = globalThis.rodrunCall = null;
    this.id = null;
    this.sharing = false;
    this.stats = null;
    this.measured = {};
    this.paused = {};
    this.flow = { video: false, screen: false };
    sessionStorage.removeItem(KEY);
    this.#devices.cameraOn = true;
    this.#devices.close();
    this.#changed();
  }

  #giveMedia() {
    if (!this.call || this.call.state === "closed") return;
    this.call.setAudio(this.#devices.audio);
    this.call.setCamera(this.#devices.video);
    this.#changed();
  }

  #remember() {
    const { id, muted } = this;
    sessionStorage.setItem(KEY, JSON.stringify({ id, muted, cameraOn: this.#devices.cameraOn }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
