/** Shows the screen that follows from what is known, and keeps what each screen needs going. */

import { Frame } from "./frame.js";
import { screenFor } from "./screens.js";
import { VIEWS } from "./views/index.js";

const WITH_DEVICES = new Set(["waiting", "incoming", "devices"]);

export class Stage {
  #app;
  #frame;
  #view = null;
  #shown = ""; // what the view was made for
  #place = null; // where the reader is: another language is no other place
  #due = false;

  constructor(app) {
    this.#app = app;
    this.#frame = new Frame(app);
  }

  /** Draw after whatever is being learnt now. */
  drawSoon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.draw();
    });
  }

  draw() {
    const app = this.#app;
    const consultations = [...app.consultations.values()];
    const signingIn = app.user === null && app.api.token !== null;
    const next = screenFor({ ...app, consultations });
    app.consultation = next.consultation;
    app.at = next.id ?? null;
    if (!signingIn) this.#keepMedia(next);
    const name = signingIn ? "loading" : next.name;
    const about = [next.consultation?.id, name === "record" && next.consultation?.state];
    const shown = [name, app.at, ...about, app.language].join(" ");
    if (shown !== this.#shown) this.#change(shown, name);
    else this.#view.update?.();
    this.#frame.update();
    if (name === "incoming") app.alert.start(app.t("incoming.alert"), app.user.id);
    else app.alert.stop();
  }

  #keepMedia({ name, consultation }) {
    const { devices, session, precheck } = this.#app;
    session.follow(name === "call" ? consultation.id : null);
    precheck.follow(WITH_DEVICES.has(name));
    if (WITH_DEVICES.has(name)) {
      if (devices.state === "off") devices.open();
    } else if (name !== "call") devices.close();
  }

  #change(shown, name) {
    const app = this.#app;
    const place = `${name} ${app.at}`;
    const moved = this.#place !== null && this.#place !== place;
    app.alert.stop();
    this.#shown = shown;
    this.#place = place;
    this.#view?.close?.();
    document.querySelectorAll("dialog[open]").forEach((each) => each.close());
    app.screen = name;
    this.#view = VIEWS[name](app);
    this.#view.update?.();
    this.#frame.show(this.#view, moved);
  }
}
