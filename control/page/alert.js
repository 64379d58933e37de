/**
 * A request must be noticed in a background tab: a soft two-tone chime and the tab's title. Of
 * several open pages each has the title, and one sounds.
 */

const CHIME_EVERY_MS = 4000;
const TITLE_EVERY_MS = 1000;
const TONES = [
  [660, 0],
  [880, 0.18],
];
const GESTURES = ["pointerdown", "keydown"];

/**
 * `start(text, whose)` until `stop()`; both may be called again at any time. Of the pages that
 * alert for the same `whose` only one sounds.
 */
export class Alert {
  #context = null;
  #timers = [];
  #title = "";
  #lock = ""; // whoever holds it sounds
  #silenced = null;
  #asked = false; // for the lock
  #leads = false;

  constructor() {
    // Browsers let a page sound only after somebody has touched it once.
    for (const gesture of GESTURES)
      document.addEventListener(gesture, () => this.#wake(), { once: true, capture: true });
  }

  /** Whether the browser lets us sound; before the first touch it may not. */
  get audible() {
    return this.#context?.state === "running";
  }

  start(text, whose) {
    if (this.#timers.length) return;
    this.#title = document.title;
    this.#lock = `rodrun.alert ${whose}`;
    this.#silenced = new AbortController();
    this.#timers = [
      setInterval(() => this.#sound(), CHIME_EVERY_MS),
      setInterval(() => {
        document.title = document.title === text ? this.#title : text;
      }, TITLE_EVERY_MS),
    ];
    document.title = text;
    this.#sound();
  }

  stop() {
    if (!this.#timers.length) return;
    this.#timers.forEach(clearInterval);
    this.#timers = [];
    this.#silenced.abort();
    this.#asked = this.#leads = false;
    document.title = this.#title;
  }

  /** Sound once; true when it could be heard. */
  async chime() {
    await this.#wake();
    if (!this.audible) return false;
    const context = this.#context;
    for (const [frequency, delay] of TONES) {
      const at = context.currentTime + delay;
      const [tone, volume] = [context.createOscillator(), context.createGain()];
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.12, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.5);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.55);
    }
    return true;
  }

  /** Chime, when it is upon us. A page that may not sound yet leaves it to the others. */
  async #sound() {
    const { signal } = this.#silenced;
    await this.#wake();
    if (signal.aborted || !this.audible) return;
    // Locks need a secure context; without them every page sounds.
    if (this.#leads || !navigator.locks) this.chime();
    else if (!this.#asked) this.#lead(signal);
  }

  #lead(signal) {
    this.#asked = true;
    const hold = () => {
      if (signal.aborted) return null;
      this.#leads = true;
      this.chime();
      return new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    navigator.locks.request(this.#lock, { signal }, hold).catch(() => {}); // stopped meanwhile
  }

  async #wake() {
    this.#context ??= new AudioContext();
    // Where sound is not allowed yet this waits for the first touch, so we do not wait for it.
    if (this.#context.state === "suspended")
      await Promise.race([this.#context.resume(), pause(300)]).catch(() => {});
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
