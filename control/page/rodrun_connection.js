/** One RTCPeerConnection of a call, from its offer to its close. Used by rodrun.js. */

const CONNECT_TIMEOUT_MS = 6000;

/** Why a step of the call failed. `final` means that trying again is useless. */
export class CallError extends Error {
  constructor(message, { status = 0, code = "", final = false } = {}) {
    super(message);
    this.name = "CallError";
    this.status = status;
    this.code = code;
    this.final = final;
  }
}

/** What control answers; rejects with CallError: its refusal, or "unreachable". */
export async function request(fetch, url, init) {
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    throw new CallError(error.message, { code: "unreachable" });
  }
  const reply = await response.json().catch(() => ({}));
  if (response.ok) return reply;
  throw new CallError(reply.detail ?? `HTTP ${response.status}`, {
    status: response.status,
    code: reply.code ?? "",
  });
}

export class Connection {
  constructor(tracks, { iceServers = [] } = {}) {
    this.id = null;
    this.videoCodec = null;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers });
    const add = (kind, track) => this.pc.addTransceiver(track ?? kind, { direction: "sendrecv" });
    this.lines = {
      audio: add("audio", tracks.audio),
      video: add("video", tracks.video),
      screen: add("video", tracks.screen),
    };
    this.pausing = Promise.resolve();
    this.toldVideo = { camera: true, screen: true }; // as the node takes it until it is told
    this.camera = new MediaStream([
      this.lines.audio.receiver.track,
      this.lines.video.receiver.track,
    ]);
    this.screen = new MediaStream([this.lines.screen.receiver.track]);
  }

  get isOpen() {
    return this.pc.signalingState !== "closed";
  }

  async offer(options) {
    const offer = await this.pc.createOffer(options);
    await this.pc.setLocalDescription(offer);
    return offer.sdp;
  }

  accept(sdp) {
    return this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  /**
   * Keep the senders of `camera` and `screen` inactive, or let them send again, with a keyframe.
   * A track that is there or not is another matter: pictures flow when there is one and no pause.
   */
  pause({ camera, screen }) {
    const set = async (sender, active) => {
      if (!this.isOpen) return;
      const parameters = sender.getParameters();
      if (parameters.encodings?.length !== 1 || parameters.encodings[0].active === active) return;
      parameters.encodings[0].active = active;
      await sender.setParameters(parameters).catch((error) => {
        if (this.isOpen) throw error;
      });
    };
    // one change at a time: parameters that were read before another change are refused
    this.pausing = this.pausing
      .catch(() => {})
      .then(() => set(this.lines.video.sender, !camera))
      .then(() => set(this.lines.screen.sender, !screen));
    return this.pausing;
  }

  /** Resolves once ICE and DTLS are up; rejects when they fail, on abort, or after the limit. */
  connected(signal) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.pc.removeEventListener("connectionstatechange", look);
        signal.removeEventListener("abort", abort);
        settle(value);
      };
      const look = () => {
        const state = this.pc.connectionState;
        if (state === "connected") done(resolve);
        if (state === "failed" || state === "closed")
          done(reject, new CallError(`connection ${state}`));
      };
      const abort = () => done(reject, new CallError("stopped"));
      const timer = setTimeout(
        () => done(reject, new CallError("no connection in time", { code: "timeout" })),
        CONNECT_TIMEOUT_MS,
      );
      this.pc.addEventListener("connectionstatechange", look);
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
      else look();
    });
  }

  close() {
    this.pc.close();
  }
}
