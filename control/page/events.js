/** The event WebSocket: authenticates, reconnects with back-off, hands over each message. */

import { ENDPOINT } from "./api.js";

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5000;
/** Close codes after which there is no coming back, and the problem that each stands for. */
const REFUSED = new Map([
  [4401, "token-invalid"],
  [4402, "token-expired"],
  [4403, "account-blocked"],
]);
/**
 * A server that lets no socket of this page in (the origin is not on its list, or a proxy in front
 * takes none) says so to nobody: a browser sees that the socket never opened, as with a server that
 * is away. So it is asked over HTTP; so many times answered and yet not let in means refused.
 */
const REFUSALS = 4;

/**
 * Dispatches "message" (detail: the decoded message), "statechange" (detail: "connecting", "open"
 * after the server's ready, "lost", or "refused": the server lets no socket of this page in), and
 * "signedout" (detail: the problem's code) when the sign-in does not hold.
 */
export class Events extends EventTarget {
  #token;
  #seen;
  #socket = null;
  #closed = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer = null;
  #reachable;
  #answered = false; // over HTTP, since the last socket that did not open
  #refusals = 0;

  /**
   * `seen()` is the number of the last event heard by consultation, or null; `reachable()` resolves
   * to whether the server answers over HTTP.
   */
  constructor(token, seen, reachable) {
    super();
    this.#token = token;
    this.#seen = seen;
    this.#reachable = reachable;
    this.state = "connecting";
    globalThis.addEventListener("online", this.#now);
  }

  open() {
    const address = new URL(`${ENDPOINT}/events`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    let opened = false;
    socket.addEventListener("open", () => {
      opened = true;
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
      if (REFUSED.has(code)) return this.#emit("signedout", REFUSED.get(code));
      this.#refusals = this.#answered && !opened ? this.#refusals + 1 : 0;
      if (this.#refusals === REFUSALS) return this.#become("refused");
      this.#become("lost");
      this.#timer = setTimeout(() => this.#comeBack(socket, opened), this.#pauseMs);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    });
  }

  async #comeBack(socket, opened) {
    this.#answered = !opened && (await this.#reachable());
    if (!this.#closed && this.#socket === socket) this.open();
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
    this.#refusals = 0;
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
