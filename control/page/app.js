/** The page: holds what is known and asks the API; stage.js shows the screen that follows from it. */

import { Alert } from "./alert.js";
import { ApiError } from "./api.js";
import { dismiss, dismissed } from "./dismissed.js";
import { Events } from "./events.js";
import { Journal } from "./journal.js";
import { hasText, readLanguage, rememberLanguage, translator } from "./language.js";
import { NEWS_AGE_S, noticeOf } from "./news.js";
import { addressOf, placeFrom } from "./places.js";
import { Precheck } from "./precheck.js";
import { SIGN_IN, api, devices, session } from "./resume.js";
import { isTold, noticesBetween, recentOutcomes } from "./screens.js";
import { Stage } from "./stage.js";

const TICK_MS = 250;
const NOTICE_MS = 8000;
const CHECKED = "rodrun.checked"; // sessionStorage: the device check of this tab was passed
const SIGNED_OUT = "rodrun.signed-out"; // sessionStorage: a problem's code, over the reload it causes

export class App {
  language = readLanguage();
  t = translator(this.language);
  user = null;
  signedOut = sessionStorage.getItem(SIGNED_OUT); // the problem because of which we were, or null
  profile = null;
  available = true; // a specialist's online switch
  specialists = null; // null: not loaded yet
  viewed = null; // the specialist whose own page is open
  consultations = new Map();
  older = null; // where the history goes on in the API; null: there is no more
  outcomes = new Set();
  place = null; // where the user wants to be; see places.js
  checked = sessionStorage.getItem(CHECKED) === "yes";
  notices = [];
  consultation = null; // the one that the present screen is about
  screen = null;
  at = null; // the id in the place of the present screen, if it has one
  api = api;
  devices = devices;
  session = session;
  precheck = new Precheck(api, devices);
  events = null;
  #journal = new Journal();
  alert = new Alert();
  #stage = new Stage(this);
  #historyLoaded = false;
  #clockOffset_s = 0;

  start() {
    const token = this.#tokenFromPlatform() ?? this.api.token;
    this.place = placeFrom(location.hash);
    sessionStorage.removeItem(SIGNED_OUT); // said once
    globalThis.addEventListener("load", () => this.render()); // pictures wait for it
    globalThis.addEventListener("hashchange", () => this.#moved());
    globalThis.addEventListener("popstate", () => this.#moved());
    this.devices.addEventListener("change", () => this.#devicesChanged());
    this.session.addEventListener("change", () => this.render());
    this.precheck.addEventListener("change", () => this.render());
    this.session.addEventListener("connection", () => this.#loadConsultations().catch(() => {}));
    setInterval(() => this.#stage.draw(), TICK_MS);
    if (token) this.#signedIn(token);
    this.render();
  }

  /** Seconds since 1970 by the server's clock. */
  now() {
    return Date.now() / 1000 + this.#clockOffset_s;
  }

  async signIn(account) {
    const { access_token: token } = await this.api.demoSignIn(account);
    this.#signedIn(token);
  }

  /** `problem` is the code of that which ended the sign-in; null: the user wants it so. */
  signOut(problem = null) {
    if (problem !== null) sessionStorage.setItem(SIGNED_OUT, problem);
    sessionStorage.removeItem(SIGN_IN);
    sessionStorage.removeItem(CHECKED);
    this.#journal.forget();
    this.events?.close();
    this.session.follow(null);
    this.precheck.follow(false);
    this.devices.close();
    this.go(null);
    location.reload();
  }

  speak(language) {
    this.language = language;
    this.t = translator(language);
    rememberLanguage(language);
    this.render();
  }

  /** Carry out an action of the user; a failure becomes a notice. True when it worked. */
  async act(action) {
    try {
      const reply = await action(this.api);
      if (reply?.id && reply.state) this.#learn(reply);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#failed(error);
      return false;
    }
  }

  tell(name, places = {}, key = `notice.${name}`) {
    const notice = { name, key, places };
    this.notices = [...this.notices, notice].slice(-3);
    setTimeout(() => {
      this.notices = this.notices.filter((each) => each !== notice);
      this.render();
    }, NOTICE_MS);
    this.render();
  }

  putAway(id) {
    this.outcomes.delete(id);
    dismiss(id);
    this.go(null);
  }

  /** To a place of places.js; null is where everything begins. */
  go(name, id = null) {
    const address = name === null ? location.pathname + location.search : addressOf(name, id);
    history.pushState(null, "", address);
    this.#moved();
  }

  loadSpecialists() {
    return this.act(async (api) => {
      this.specialists = await api.mySpecialists();
      this.render();
    });
  }

  async saveProfile(profile) {
    return this.act(async (api) => {
      this.profile = await api.saveProfile(profile);
      this.render();
    });
  }

  async setAvailable(available) {
    return this.act(async (api) => {
      ({ available: this.available } = await api.setAvailable(available));
      this.render();
    });
  }

  /** The next page of the history. */
  loadOlder() {
    return this.act(async (api) => {
      const { items, next } = await api.consultations(this.older);
      this.older = next;
      for (const each of items) this.#learn(each);
    });
  }

  /** The other one of the present consultation. */
  get partner() {
    return this.consultation[this.user.role === "client" ? "specialist" : "client"];
  }

  /** Show what has changed, soon. */
  render() {
    this.#stage.drawSoon();
  }

  // Signing in and loading

  /** A platform opens the page with `#access_token=…`; it is taken out of the address at once. */
  #tokenFromPlatform() {
    const token = new URLSearchParams(location.hash.slice(1)).get("access_token");
    if (token) history.replaceState(null, "", location.pathname + location.search);
    return token;
  }

  #signedIn(token) {
    sessionStorage.setItem(SIGN_IN, token);
    this.api.token = token;
    this.signedOut = null;
    const reachable = () => this.api.me().then(() => true, ({ status }) => status > 0);
    this.events = new Events(token, () => this.#journal.seen(), reachable);
    this.events.addEventListener("message", ({ detail }) => this.#receive(detail));
    this.events.addEventListener("statechange", () => this.render());
    this.events.addEventListener("signedout", ({ detail }) => this.signOut(detail));
    this.events.open();
    this.#load();
  }

  async #load() {
    try {
      const [me] = await Promise.all([this.api.me(), this.#loadConsultations()]);
      const { profile, available, ...user } = me;
      this.user = user;
      this.session.role = user.role;
      this.profile = profile;
      this.available = available;
      const all = [...this.consultations.values()];
      this.outcomes = recentOutcomes(all, user.role, dismissed(), this.now());
      this.render();
      if (user.role === "client") await this.loadSpecialists();
    } catch (error) {
      if (error.final) this.signOut(error.code);
      else setTimeout(() => this.#load(), 1000);
    }
  }

  async #loadConsultations() {
    const { items, next } = await this.api.consultations();
    if (!this.#historyLoaded) this.older = next; // older pages that were opened stay
    this.#historyLoaded = true;
    for (const each of items) this.#learn(each);
  }

  // What the server says

  #receive(message) {
    const { type } = message;
    if (type === "ready") {
      this.#clockOffset_s = message.now - Date.now() / 1000;
      this.events.send({ type: "camera_ready", ready: this.checked });
      if (this.user) this.#load(); // whatever happened while we did not hear
    } else if (type === "consultation") this.#learn(message.consultation);
    else if (type === "event") this.#hear(message.event);
    else if (type === "specialist") this.#learnSpecialist(message.specialist);
    else if (type === "presence") {
      const { type: _, specialist_id: id, ...presence } = message;
      this.#learnSpecialist({ id, presence });
    } else if (type === "availability") this.available = message.available;
    else if (type === "connection_replaced") this.session.call?.replaced(message.connection_id);
    else if (type === "rejoin") this.session.call?.rejoin(message.connection_id);
    else if (type === "quality") this.session.heardQuality(message);
    else if (type === "video_pause") this.session.heardPause(message);
    this.render();
  }

  #learn(after) {
    const before = this.consultations.get(after.id);
    // Overtaken on its way here.
    if (before && (before.seq - after.seq || before.now - after.now) > 0) return;
    this.#clockOffset_s = after.now - Date.now() / 1000;
    this.consultations.set(after.id, after);
    if (this.user) {
      const { role } = this.user;
      const name = after[role === "client" ? "specialist" : "client"].name;
      if (before && before.state !== after.state) this.notices = []; // what they said is over
      for (const notice of noticesBetween(before, after, role)) this.tell(notice, { name });
      if (before && before.state !== after.state && isTold(after, role))
        this.outcomes.add(after.id);
      if (!before && after.state === "requested" && role === "client") this.go(null);
    }
    this.render();
  }

  /** An event of a consultation; its snapshot follows. */
  #hear(event) {
    const { consultation_id: id, type, at } = event;
    if (!this.#journal.take(event)) return;
    const consultation = this.consultations.get(id);
    if (!consultation || !this.user || this.now() - at > NEWS_AGE_S) return;
    const { role } = this.user;
    if (type === "leaving") this.notices = []; // whatever was proposed is over with it
    const notice = noticeOf(event, role, this.#journal.proposer(id));
    const { name } = consultation[role === "client" ? "specialist" : "client"];
    if (notice) this.tell(notice, { name });
  }

  /** News of a specialist: their presence, or all that is shown of them. */
  #learnSpecialist(news) {
    for (const each of [...(this.specialists ?? []), this.viewed])
      if (each?.id === news.id) Object.assign(each, news);
  }

  #failed(error) {
    if (error.status === 401) this.signOut(error.code);
    else if (error.status === 0) this.tell("unreachable");
    else {
      const key = `problem.${error.code}`;
      this.tell("failed", {}, hasText(key) ? key : "notice.failed");
    }
    if (error.status === 404 || error.status === 409) this.#loadConsultations().catch(() => {});
  }

  #devicesChanged() {
    const { state } = this.devices;
    const passed = state === "ready" || (this.checked && ["off", "asking"].includes(state));
    if (passed !== this.checked) {
      this.checked = passed;
      sessionStorage.setItem(CHECKED, passed ? "yes" : "no");
      this.events?.send({ type: "camera_ready", ready: passed });
    }
    this.render();
  }

  #moved() {
    this.place = placeFrom(location.hash);
    this.render();
  }
}

new App().start();
