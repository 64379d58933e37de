/** What getStats says of a call, as figures. Pure: reports and times in, figures out. */

/** Nothing heard from the node for this long is trouble. Chromium checks consent every 2.7 s. */
export const SILENCE_LIMIT_MS = 4000;

const sum = (list, field) => list.reduce((total, report) => total + (report[field] ?? 0), 0);

/**
 * The figures of the moment `at` (ms), cumulative, from an RTCStatsReport. `lines` are the
 * transceivers; inbound streams are told apart by m-line or, where a browser leaves that out, by
 * track.
 */
export function readStats(report, lines, at) {
  const all = [...report.values()];
  const of = (type) => all.filter((entry) => entry.type === type);
  const inbound = of("inbound-rtp");
  const on = ({ mid, receiver }) =>
    inbound.filter((entry) => entry.mid === mid || entry.trackIdentifier === receiver.track.id);
  const pairs = of("candidate-pair");
  const pair =
    pairs.find((entry) => entry.nominated && entry.state === "succeeded") ??
    pairs.find((entry) => entry.state === "succeeded");
  const video = on(lines.video);
  return {
    at,
    heard: new Map(
      pairs.map((entry) => [
        entry.id,
        (entry.bytesReceived ?? 0) +
          (entry.responsesReceived ?? 0) +
          (entry.lastPacketReceivedTimestamp ?? 0),
      ]),
    ),
    rttMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
    received: sum(inbound, "packetsReceived"),
    lost: sum(inbound, "packetsLost"),
    bytesDown: sum(inbound, "bytesReceived"),
    bytesUp: sum(of("outbound-rtp"), "bytesSent"),
    videoFrames: sum(video, "framesDecoded"),
    screenFrames: sum(on(lines.screen), "framesDecoded"),
    width: video[0]?.frameWidth ?? 0,
    height: video[0]?.frameHeight ?? 0,
  };
}

/** Whether anything at all came from the node between two moments, be it only a STUN response. */
export function heardSince(before, now) {
  return [...now.heard].some(([pair, count]) => count > (before.heard.get(pair) ?? 0));
}

/** The figures of the time between two moments, of which the last `silentMs` heard nothing. */
export function summary(before, now, silentMs) {
  const seconds = (now.at - before.at) / 1000;
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  return {
    rttMs: now.rttMs,
    lossPct: received + lost > 0 ? (100 * lost) / (received + lost) : null,
    silentMs,
    bitrateDownBps: (8 * (now.bytesDown - before.bytesDown)) / seconds,
    bitrateUpBps: (8 * (now.bytesUp - before.bytesUp)) / seconds,
    framesPerSecond: (now.videoFrames - before.videoFrames) / seconds,
    width: now.width,
    height: now.height,
  };
}
