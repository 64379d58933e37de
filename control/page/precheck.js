/** The check of the network before a call: when it runs, and what it found last. */

import { ENDPOINT } from "./api.js";
import { advise, probe } from "./rodrun_probe.js";

/** Whoever passes by is not probed, and cameras that start are not disturbed. */
export const START_AFTER_MS = 2000;
/** A network changes with the room one sits in, not from minute to minute. */
export const GOOD_FOR_MS = 10 * 60_000;

/** Whether to begin unasked. Pure; times in ms, null for never. */
export function isDue({ state, foundAt, wantedAt, asking, hidden }, now) {
  if (state === "running" || wantedAt === null || asking || hidden) return false;
  if (foundAt !== null && now - foundAt < GOOD_FOR_MS) return false;
  return now - wantedAt >= START_AFTER_MS;
}

/**
 * `state`: "idle", "running", "done" or "failed". `result` and `advice` are of the last probe that was
 * carried through, `problem` is the code of why the last one was not. Dispatches "change".
 */
export class Precheck extends EventTarget {
  state = "idle";
  result = null;
  advice = null;
  problem = null;
  #api;
  #devices;
  #wantedAt = null;
  #foundAt = null;
  #running = null;

  constructor(api, devices) {
    super();
    this.#api = api;
    this.#devices = devices;
  }

  /** Called all the time: whether a screen shows it. Elsewhere, and in a call above all, none runs. */
  follow(wanted) {
    if (!wanted) {
      this.#wantedAt = null;
      this.#running?.abort();
      return;
    }
    const now = performance.now();
    this.#wantedAt ??= now;
    const moment = {
      state: this.state,
      foundAt: this.#foundAt,
      wantedAt: this.#wantedAt,
      asking: ["off", "asking"].includes(this.#devices.state),
      hidden: document.hidden,
    };
    if (isDue(moment, now)) this.run();
  }

  async run() {
    if (this.#running) return;
    const running = (this.#running = new AbortController());
    this.#become("running");
    try {
      this.result = await probe({
        endpoint: ENDPOINT,
        getAuthorization: () => `Bearer ${this.#api.token}`,
        signal: running.signal,
      });
      this.advice = advise(this.result);
      this.problem = null;
      this.#foundAt = performance.now();
      this.#running = null;
      this.#become("done");
    } catch (error) {
      this.#running = null;
      // called off by us: as if it had never begun, and due again where it is wanted
      if (["aborted", "hidden"].includes(error.code)) {
        this.#become(this.result ? "done" : "idle");
        return;
      }
      this.problem = error.code || "unavailable";
      this.#foundAt = performance.now(); // not again and again unasked
      this.#become("failed");
    }
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
