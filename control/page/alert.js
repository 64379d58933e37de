/** A request must be noticed in a background tab: a soft two-tone chime and the tab's title. */

const CHIME_EVERY_MS = 4000;
const TITLE_EVERY_MS = 1000;
const TONES = [
  [660, 0],
  [880, 0.18],
];

/** `start(text)` until `stop()`; both may be called again at any time. */
export class Alert {
  #context = null;
  #timers = [];
  #title = "";

  start(text) {
    if (this.#timers.length) return;
    this.#title = document.title;
    this.#chime();
    this.#timers = [
      setInterval(() => this.#chime(), CHIME_EVERY_MS),
      setInterval(() => {
        document.title = document.title === text ? this.#title : text;
      }, TITLE_EVERY_MS),
    ];
  }

  stop() {
    if (!this.#timers.length) return;
    this.#timers.forEach(clearInterval);
    this.#timers = [];
    document.title = this.#title;
  }

  #chime() {
    this.#context ??= new AudioContext();
    const context = this.#context;
    if (context.state === "suspended") context.resume().catch(() => {}); // until the first click
    if (context.state !== "running") return;
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
  }
}
