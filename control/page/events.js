/** The event WebSocket: authenticates, reconnects with back-off, hands over each message. */

import { ENDPOINT } from "./api.js";

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5000;
/** Close codes: the sign-in is not valid, or no longer, or the account is blocked. */
const REFUSED = new Set([4401, 4402, 4403]);

/**
 * Dispatches "message" (detail: the decoded message) and "statechange" (detail: "connecting",
 * "open" after the server's ready, "lost"), and "refused" when the sign-in does not hold.
 */
export class Events extends EventTarget {
  #token;
  #seen;
  #socket = null;
  #closed = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer = null;

  /** `seen()` is the number of the last event heard by consultation, or null. */
  constructor(token, seen) {
    super();
    this.#token = token;
    this.#seen = seen;
    this.state = "connecting";
    globalThis.addEventListener("online", this.#now);
  }

  open() {
    const address = new URL(`${ENDPOINT}/events`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      const seen = this.#seen();
      this.send({ type: "authenticate", token: this.#token, ...(seen && { seen }) });
    });
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "ready") {
        this.#pauseMs = FIRST_PAUSE_MS;
        this.#become("open");
      }
      this.#emit("message", message);
    });
    socket.addEventListener("close", ({ code }) => {
      if (this.#closed || this.#socket !== socket) return;
      if (REFUSED.has(code)) return this.#emit("refused", code);
      this.#become("lost");
      this.#timer = setTimeout(() => this.open(), this.#pauseMs);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    });
  }

  /** Sends when the socket is open; otherwise the message is dropped. */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    globalThis.removeEventListener("online", this.#now);
    this.#socket?.close();
  }

  /** Another network: a socket of the old one may stay silent for minutes before it closes. */
  #now = () => {
    clearTimeout(this.#timer);
    const old = this.#socket;
    this.#socket = null;
    old?.close();
    this.#become("lost");
    this.open();
  };

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#emit("statechange", state);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
