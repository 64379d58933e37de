/** The control API as functions. Failures are ApiError with the problem document's fields. */

export const ENDPOINT = "/api/v1";
const TIMEOUT_MS = 10000;

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

  async #ask(method, path, body) {
    const headers = { Accept: "application/json" };
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
  saveProfile = (profile) => this.ask("PUT", "/me/profile", profile);

  findSpecialists = (search) =>
    this.ask("GET", `/specialists?search=${encodeURIComponent(search)}`);
  mySpecialists = () => this.ask("GET", "/me/specialists");
  addSpecialist = (id) => this.ask("PUT", `/me/specialists/${encodeURIComponent(id)}`);
  removeSpecialist = (id) => this.ask("DELETE", `/me/specialists/${encodeURIComponent(id)}`);

  specialist = (id) => this.ask("GET", `/specialists/${encodeURIComponent(id)}`);
  myRatings = () => this.ask("GET", "/me/ratings");
  setAvailable = (available) => this.ask("PUT", "/me/availability", { available });

  /** { items, next }: newest first; `next` is what to pass for the page after, or null. */
  async consultations(next = null) {
    const { reply, headers } = await this.#ask("GET", next ?? "/consultations");
    return { items: reply, next: nextPage(headers.get("Link")) };
  }

  consultation = (id) => this.ask("GET", `/consultations/${encodeURIComponent(id)}`);

  /** { text, receipt, key_id, … }: `text` as it came, for it is what was signed. */
  async receipt(id) {
    const path = `/consultations/${encodeURIComponent(id)}/receipt`;
    const { reply, text } = await this.#ask("GET", path);
    return { ...reply, text };
  }

  request = (specialist_id, purpose) =>
    this.ask("POST", "/consultations", { specialist_id, purpose });
  #act = (id, action, body = {}) =>
    this.ask("POST", `/consultations/${encodeURIComponent(id)}/${action}`, body);
  accept = (id) => this.#act(id, "accept");
  decline = (id, reason) => this.#act(id, "decline", reason ? { reason } : {});
  cancel = (id) => this.#act(id, "cancel");
  leave = (id) => this.#act(id, "leave");
  proposeEarlyEnd = (id) => this.#act(id, "early-end");
  acceptEarlyEnd = (id) => this.#act(id, "early-end/accept");
  refuseEarlyEnd = (id) => this.#act(id, "early-end/refuse");
  joinToken = async (id) => (await this.#act(id, "join-tokens")).token;
  rate = (id, subject, stars, comment) =>
    this.ask("PUT", `/consultations/${encodeURIComponent(id)}/ratings/${subject}`, {
      stars,
      comment,
    });
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
