/** Camera and microphone: asking for them, explaining why not, switching, the sound level. */

const KEYS = { videoinput: "rodrun.camera", audioinput: "rodrun.microphone" };
const DEFAULT_VIDEO = { width: 640, height: 360, frameRate: 30 };

/** `?video=320x180@15` asks for smaller pictures, for machines that run several browsers. */
export function videoWish(search) {
  const match = /^(\d+)x(\d+)(?:@(\d+))?$/.exec(new URLSearchParams(search).get("video") ?? "");
  if (!match) return DEFAULT_VIDEO;
  const [width, height, frameRate] = match.slice(1).map(Number);
  return { width, height, frameRate: frameRate || DEFAULT_VIDEO.frameRate };
}

/** Why getUserMedia failed, as "denied", "missing" or "busy". */
export function problemOf(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  return "busy"; // NotReadableError, AbortError: the device is there and does not start
}

/**
 * State: "off", "asking", "ready", "audio-only", "no-microphone", or without any device "denied",
 * "busy", "missing", "insecure". `problem` says why in "audio-only" and "no-microphone".
 * Dispatches "change" whenever state, tracks or the list of devices change.
 */
export class Devices extends EventTarget {
  state = "off";
  problem = null;
  audio = null;
  video = null;
  cameraOn = true;
  list = [];
  #opening = null;
  #turn = 0; // goes up at each release: what an older turn was still asking for is put back
  #wish;
  #meter = null;

  constructor(search) {
    super();
    this.#wish = videoWish(search);
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (["missing", "audio-only", "no-microphone"].includes(this.state)) this.reopen();
      else if (this.state !== "off") this.#enumerate();
    });
  }

  get stream() {
    return new MediaStream([this.audio, this.video].filter(Boolean));
  }

  /** Ask for both; settle for what is there. Asking again while open changes nothing. */
  open() {
    if (this.audio || this.video) return Promise.resolve();
    if (!this.#opening) {
      const opening = this.#open().finally(() => {
        if (this.#opening === opening) this.#opening = null;
      });
      this.#opening = opening;
    }
    return this.#opening;
  }

  async reopen() {
    this.#release();
    this.#become("asking");
    await this.open();
  }

  close() {
    if (this.state === "off") return;
    this.#release();
    this.#become("off");
  }

  /** Off stops the camera, light and all; on asks for it again. False when it does not start. */
  async setCamera(on) {
    this.cameraOn = on;
    if (!on) {
      this.video?.stop();
      this.video = null;
      this.#changed();
      return true;
    }
    try {
      const stream = await this.#ask({ video: true });
      this.#take(stream);
      this.#become(this.audio ? "ready" : "no-microphone");
      return true;
    } catch (error) {
      this.cameraOn = false;
      this.problem = problemOf(error);
      this.#changed();
      return false;
    }
  }

  /** Use the device of that id from now on, remembered. */
  async choose(kind, deviceId) {
    localStorage.setItem(KEYS[kind], deviceId);
    await this.reopen();
  }

  /** Loudness of the microphone now, 0–1 on a scale made for the eye. */
  level() {
    if (!this.#meter) return 0;
    const { analyser, samples, context } = this.#meter;
    if (context.state === "suspended") context.resume().catch(() => {});
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((total, sample) => total + sample * sample, 0) / samples.length;
    const decibels = 10 * Math.log10(power + 1e-9);
    return Math.min(1, Math.max(0, (decibels + 60) / 50));
  }

  async #open() {
    if (!navigator.mediaDevices) return this.#become("insecure");
    this.#become("asking");
    const turn = this.#turn;
    this.problem = null;
    try {
      this.#take(await this.#ask({ audio: true, video: this.cameraOn }));
      this.#become("ready");
    } catch (error) {
      if (turn === this.#turn) await this.#settle(problemOf(error), turn);
    }
    await this.#enumerate();
  }

  /** Both at once did not work: one of them may. */
  async #settle(problem, turn) {
    for (const [only, state] of [
      ["audio", "audio-only"],
      ["video", "no-microphone"],
    ]) {
      if (only === "video" && !this.cameraOn) continue;
      try {
        this.#take(await this.#ask({ [only]: true }));
        this.problem = problem;
        this.#become(state);
        return;
      } catch (error) {
        if (turn !== this.#turn) return;
        if (problemOf(error) !== "missing") problem = problemOf(error);
      }
    }
    this.#become(problem);
  }

  async #ask({ audio = false, video = false }) {
    const turn = this.#turn;
    const device = (kind) => {
      const id = localStorage.getItem(KEYS[kind]);
      return id ? { deviceId: { ideal: id } } : {};
    };
    const ideal = Object.entries(this.#wish).map(([name, value]) => [name, { ideal: value }]);
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: audio && {
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...device("audioinput"),
      },
      video: video && { ...Object.fromEntries(ideal), ...device("videoinput") },
    });
    if (turn === this.#turn) return stream;
    stream.getTracks().forEach((track) => track.stop());
    throw new DOMException("no longer wanted", "AbortError");
  }

  #take(stream) {
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (audio) {
      this.audio?.stop();
      this.audio = audio;
      this.#measure();
    }
    if (video) {
      this.video?.stop();
      this.video = video;
    }
    for (const track of stream.getTracks())
      track.addEventListener("ended", () => {
        if (track === this.audio || track === this.video) this.reopen(); // unplugged
      });
  }

  async #enumerate() {
    this.list = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    this.#changed();
  }

  #measure() {
    this.#meter?.context.close();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([this.audio])).connect(analyser);
    this.#meter = { context, analyser, samples: new Float32Array(analyser.fftSize) };
  }

  #release() {
    this.#turn += 1;
    this.#opening = null;
    this.audio?.stop();
    this.video?.stop();
    this.audio = this.video = null;
    this.#meter?.context.close();
    this.#meter = null;
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
