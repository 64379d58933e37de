/** The control API as functions. Failures are ApiError with the problem document's fields. */

export const ENDPOINT = "/api/v1";
const TIMEOUT_MS = 10000;
/** Pauses before a command is sent again whose answer did not come. */
const RETRY_MS = [400, 1200];

export class ApiError extends Error {
  /** `status` 0: no response came. `final`: asking again with the same credential is useless. */
  constructor(status, code, detail) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.final = status === 401 || status === 403;
  }
}

export class Api {
  /** `token` is read at each request; null asks without a credential. */
  constructor(token) {
    this.token = token;
  }

  async ask(method, path, body) {
    return (await this.#ask(method, path, body)).reply;
  }

  /**
   * Ask for a change. When no answer comes it is asked for again under the same key, by which the
   * server knows that it is one command.
   */
  async command(method, path, body) {
    const key = newKey();
    for (const pause of [...RETRY_MS, null])
      try {
        return (await this.#ask(method, path, body, { "Idempotency-Key": key })).reply;
      } catch (error) {
        const unknown = error.status === 0 || error.code === "idempotency-key-in-use";
        if (!unknown || pause === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
  }

  async #ask(method, path, body, more = {}) {
    const headers = { Accept: "application/json", ...more };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    let response;
    try {
      response = await fetch(ENDPOINT + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        cache: "no-store",
      });
    } catch (error) {
      throw new ApiError(0, "unreachable", error.message);
    }
    const text = await response.text().catch(() => "");
    const reply = decoded(text);
    if (response.ok) return { reply, text, headers: response.headers };
    throw new ApiError(response.status, reply?.code ?? "", reply?.detail ?? reply?.title ?? "");
  }

  demoAccounts = () => this.ask("GET", "/demo/accounts");
  demoSignIn = (account) => this.ask("POST", "/demo/sign-in", { account });
  me = () => this.ask("GET", "/me");
  saveProfile = (profile) => this.command("PUT", "/me/profile", profile);

  findSpecialists = (search) =>
    this.ask("GET", `/specialists?search=${encodeURIComponent(search)}`);
  mySpecialists = () => this.ask("GET", "/me/specialists");
  addSpecialist = (id) => this.command("PUT", `/me/specialists/${encodeURIComponent(id)}`);
  removeSpecialist = (id) => this.command("DELETE", `/me/specialists/${encodeURIComponent(id)}`);

  specialist = (id) => this.ask("GET", `/specialists/${encodeURIComponent(id)}`);
  myRatings = () => this.ask("GET", "/me/ratings");
  setAvailable = (available) => this.command("PUT", "/me/availability", { available });

  /** { items, next }: newest first; `next` is what to pass for the page after, or null. */
  async consultations(next = null) {
    const { reply, headers } = await this.#ask("GET", next ?? "/consultations");
    return { items: reply, next: nextPage(headers.get("Link")) };
  }

  consultation = (id) => this.ask("GET", `/consultations/${encodeURIComponent(id)}`);
  quality = (id) => this.ask("GET", `/consultations/${encodeURIComponent(id)}/quality`);

  /** { text, receipt, key_id, … }: `text` as it came, for it is what was signed. */
  async receipt(id) {
    const path = `/consultations/${encodeURIComponent(id)}/receipt`;
    const { reply, text } = await this.#ask("GET", path);
    return { ...reply, text };
  }

  request = (specialist_id, purpose) =>
    this.command("POST", "/consultations", { specialist_id, purpose });
  #act = (id, action, body = {}) =>
    this.command("POST", `/consultations/${encodeURIComponent(id)}/${action}`, body);
  accept = (id) => this.#act(id, "accept");
  decline = (id, reason) => this.#act(id, "decline", reason ? { reason } : {});
  cancel = (id) => this.#act(id, "cancel");
  leave = (id) => this.#act(id, "leave");
  proposeEarlyEnd = (id) => this.#act(id, "early-end");
  withdrawEarlyEnd = (id) => this.#act(id, "early-end/withdraw");
  acceptEarlyEnd = (id) => this.#act(id, "early-end/accept");
  refuseEarlyEnd = (id) => this.#act(id, "early-end/refuse");
  proposeExtension = (id, duration_s, price) => this.#act(id, "extension", { duration_s, price });
  withdrawExtension = (id) => this.#act(id, "extension/withdraw");
  acceptExtension = (id) => this.#act(id, "extension/accept");
  refuseExtension = (id) => this.#act(id, "extension/refuse");
  /** Asked once: whoever joins tries again by themselves, and with a fresh token. */
  joinToken = (id) => this.ask("POST", `/consultations/${encodeURIComponent(id)}/join-tokens`, {});
  rate = (id, subject, stars, comment) =>
    this.command("PUT", `/consultations/${encodeURIComponent(id)}/ratings/${subject}`, {
      stars,
      comment,
    });
}

/** Not randomUUID, which a page on an address without TLS does not have. */
function newKey() {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  return [...octets].map((each) => each.toString(16).padStart(2, "0")).join("");
}

function decoded(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** The path below the endpoint that a Link header names as the next page (RFC 8288), or null. */
function nextPage(link) {
  const [, target] = link?.match(/<([^>]*)>[^,]*;\s*rel="?next"?/) ?? [];
  if (!target) return null;
  const { pathname, search } = new URL(target, location.origin);
  return pathname.slice(ENDPOINT.length) + search;
}
