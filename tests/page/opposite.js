/**
 * What a Call talks to, in the same page: the API and, as the node, an RTCPeerConnection a join.
 * Answers the three m-lines in one round trip with its candidates inside, and sends a picture.
 */

export class Opposite {
  joins = 0;
  restarts = 0;
  tokens = 0;
  connections = new Map();
  video = []; // what it was told that there is to send: [connection, { camera, screen }]
  refuse = []; // responses to give instead, first to last: { status, code } or "unreachable"

  getJoinToken = async () => `token-${++this.tokens}`;

  fetch = async (url, init) => {
    const body = JSON.parse(init.body);
    const refusal = this.refuse.shift();
    if (refusal === "unreachable") throw new TypeError("Failed to fetch");
    if (refusal) return Response.json({ code: refusal.code }, { status: refusal.status });
    const video = /connections\/(.*)\/video$/.exec(url);
    if (video && init.method === "PUT") {
      this.authorization = init.headers.Authorization;
      this.video.push([video[1], body]);
      return new Response(null, { status: 204 });
    }
    const restart = /connections\/(.*)\/ice-restart$/.exec(url);
    if (restart) {
      this.restarts += 1;
      this.authorization = init.headers.Authorization;
      return Response.json({ answer: await answer(this.connections.get(restart[1]), body.offer) });
    }
    this.joins += 1;
    this.token = body.token;
    const id = `connection-${this.joins}`;
    const pc = new RTCPeerConnection();
    this.connections.set(id, pc);
    return Response.json({
      answer: await answer(pc, body.offer, this.picture()),
      connection_id: id,
      video_codec: "vp8",
    });
  };

  /** A picture that changes, so that frames flow. */
  picture() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    let hue = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${(hue += 40)} 50% 50%)`;
      context.fillRect(0, 0, 300, 150);
    }, 50);
    return canvas.captureStream(20).getVideoTracks()[0];
  }

  /** Silence, as when the network is cut: nothing answers any more. */
  vanish(id) {
    this.connections.get(id).close();
  }

  /** Frames that arrived on the m-line of that number since it began. */
  async frames(id, line) {
    const pc = this.connections.get(id);
    const report = await pc.getTransceivers()[line].receiver.getStats();
    const inbound = [...report.values()].find(({ type }) => type === "inbound-rtp");
    return inbound?.framesDecoded ?? 0;
  }
}

async function answer(pc, offer, video = null) {
  await pc.setRemoteDescription({ type: "offer", sdp: offer });
  for (const each of pc.getTransceivers()) each.direction = "sendrecv";
  if (video) await pc.getTransceivers()[1].sender.replaceTrack(video);
  await pc.setLocalDescription(await pc.createAnswer());
  while (pc.iceGatheringState !== "complete")
    await new Promise((resolve) =>
      pc.addEventListener("icegatheringstatechange", resolve, { once: true }),
    );
  return pc.localDescription.sdp;
}

/** Resolves with the first event of that type that `wanted` accepts. */
export function heard(call, type, wanted = () => true) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no ${type} in time`)), 15000);
    call.addEventListener(type, ({ detail }) => wanted(detail) && resolve(detail));
  });
}
