// Runs in each document before its own scripts and watches from outside what the page's peer
// connections and its remote video do. The page does not know of it. Times are milliseconds of
// the wall clock, so that those of two browsers on one machine compare.

(() => {
  const FRAMES_KEPT = 4000;
  const now = () => Date.now();
  const probe = {
    // One entry a peer connection that the page made, oldest first.
    connections: [],
    // Presented frames of the element remote-video: {at, width, height, and where the browser tells:
    // when the frame's last packet came and when the frame was given to the screen}.
    frames: [],
    sound: [],
    navigatedAt: performance.timeOrigin,
  };
  globalThis.__probe = probe;

  const Native = globalThis.RTCPeerConnection;
  if (Native === undefined) return;

  const negotiating = ["createOffer", "createAnswer", "setLocalDescription", "setRemoteDescription"];
  globalThis.RTCPeerConnection = new Proxy(Native, {
    construct(target, args, newTarget) {
      const pc = Reflect.construct(target, args, newTarget);
      const entry = {
        pc,
        createdAt: now(),
        iceConnectedAt: null,
        connectedAt: null,
        signalling: 0,
        negotiations: 0,
      };
      probe.connections.push(entry);
      pc.addEventListener("signalingstatechange", () => (entry.signalling += 1));
      pc.addEventListener("iceconnectionstatechange", () => {
        if (pc.iceConnectionState === "connected") entry.iceConnectedAt ??= now();
      });
      pc.addEventListener("connectionstatechange", () => {
        if (pc.connectionState === "connected") entry.connectedAt ??= now();
      });
      for (const name of negotiating) {
        const original = pc[name];
        pc[name] = function (...rest) {
          entry.negotiations += 1;
          return original.apply(this, rest);
        };
      }
      return pc;
    },
  });

  // The element may be made anew at any time: watch whichever is there.
  let watched = null;
  const watch = () => {
    const element = document.querySelector('[data-testid="remote-video"]');
    if (element === null || element === watched) return;
    watched = element;
    const onFrame = (_, frame) => {
      probe.frames.push({
        at: now(),
        width: frame.width,
        height: frame.height,
        receivedAt: performance.timeOrigin + frame.receiveTime,
        presentedAt: performance.timeOrigin + frame.presentationTime,
      });
      if (probe.frames.length > FRAMES_KEPT) probe.frames.shift();
      if (element === watched) element.requestVideoFrameCallback(onFrame);
    };
    element.requestVideoFrameCallback(onFrame);
  };
  new MutationObserver(watch).observe(document, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["data-testid"],
  });

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  // The connection in use: the newest that was not closed.
  const current = () =>
    probe.connections.findLast((entry) => entry.pc.signalingState !== "closed") ?? null;

  // Receivers in the order of the offer: audio, video, screen.
  async function inbound(kind, index = 0) {
    const entry = current();
    if (entry === null) return null;
    const receivers = entry.pc
      .getTransceivers()
      .map((transceiver) => transceiver.receiver)
      .filter((receiver) => receiver.track.kind === kind);
    if (receivers[index] === undefined) return null;
    for (const report of (await receivers[index].getStats()).values()) {
      if (report.type === "inbound-rtp") return report;
    }
    return null;
  }

  // What arrived from the partner during the next `seconds`.
  probe.measure = async (seconds) => {
    const counters = async () => {
      const video = await inbound("video");
      const audio = await inbound("audio");
      return {
        at: now(),
        framesDecoded: video?.framesDecoded ?? 0,
        freezeSeconds: video?.totalFreezesDuration ?? 0,
        width: video?.frameWidth ?? 0,
        height: video?.frameHeight ?? 0,
        audioEnergy: audio?.totalAudioEnergy ?? 0,
        audioPackets: audio?.packetsReceived ?? 0,
      };
    };
    const before = await counters();
    await sleep(seconds * 1000);
    const after = await counters();
    const span = (after.at - before.at) / 1000;
    const presented = probe.frames.filter(
      (frame) => frame.at >= before.at && frame.at <= after.at,
    );
    let longestGap = 0;
    let previous = before.at;
    for (const at of [...presented.map((frame) => frame.at), after.at]) {
      longestGap = Math.max(longestGap, at - previous);
      previous = at;
    }
    return {
      framesPerSecond: (after.framesDecoded - before.framesDecoded) / span,
      presentedPerSecond: presented.length / span,
      width: Math.min(...presented.map((frame) => frame.width), after.width),
      height: Math.min(...presented.map((frame) => frame.height), after.height),
      longestGapSeconds: longestGap / 1000,
      freezeSeconds: after.freezeSeconds - before.freezeSeconds,
      audioEnergy: after.audioEnergy - before.audioEnergy,
      audioPackets: after.audioPackets - before.audioPackets,
    };
  };

  // Everything that getStats says of the partner's camera and sound.
  probe.received = async () => ({
    at: now(),
    video: await inbound("video"),
    audio: await inbound("audio"),
  });

  // Frames decoded so far of the partner's `index`-th picture: 0 the camera, 1 the screen.
  probe.framesDecoded = async (index) => (await inbound("video", index))?.framesDecoded ?? 0;

  probe.audioEnergy = async () => (await inbound("audio"))?.totalAudioEnergy ?? 0;

  // Sound, looked at ten times a second: {at, packets}.
  setInterval(async () => {
    const packets = (await inbound("audio").catch(() => null))?.packetsReceived;
    if (packets === undefined) return;
    probe.sound.push({ at: now(), packets });
    if (probe.sound.length > FRAMES_KEPT) probe.sound.shift();
  }, 100);

  // When both three pictures and new sound had arrived after `at`, or null if they have not.
  probe.backSince = (at) => {
    const pictures = probe.frames.filter((frame) => frame.at >= at);
    const before = probe.sound.findLast((look) => look.at < at)?.packets ?? 0;
    const sound = probe.sound.find((look) => look.at >= at && look.packets > before);
    if (pictures.length < 3 || sound === undefined) return null;
    return Math.max(pictures[2].at, sound.at);
  };

  // Everything that a renegotiation or a new connection would change.
  probe.fingerprint = () => ({
    navigatedAt: probe.navigatedAt,
    connections: probe.connections.length,
    signalling: probe.connections.map((entry) => entry.signalling),
    negotiations: probe.connections.map((entry) => entry.negotiations),
    closed: probe.connections.map((entry) => entry.pc.signalingState === "closed"),
  });

  // What the browser believes it may send, and sends, in bits per second.
  probe.outgoing = async () => {
    const entry = current();
    if (entry === null) return null;
    const stats = [...(await entry.pc.getStats()).values()];
    const pair = stats.find(
      (report) => report.type === "candidate-pair" && report.availableOutgoingBitrate !== undefined,
    );
    const video = stats.filter((report) => report.type === "outbound-rtp" && report.kind === "video");
    return {
      at: now(),
      availableBps: pair?.availableOutgoingBitrate ?? null,
      targetBps: video.reduce((sum, report) => sum + (report.targetBitrate ?? 0), 0),
      bytesSent: stats
        .filter((report) => report.type === "transport")
        .reduce((sum, report) => sum + report.bytesSent, 0),
    };
  };

  // The codec in which the partner's camera arrives ("video/VP8").
  probe.videoCodec = async () => {
    const report = await inbound("video");
    const entry = current();
    if (report === null || entry === null) return null;
    return (await entry.pc.getStats()).get(report.codecId)?.mimeType ?? null;
  };
})();
