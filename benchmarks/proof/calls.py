"""Calls of two Chromiums through the impairment proxy, which keep a diary of their statistics."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.calls.arrangement import (
    CLIENT_HOST,
    SPECIALIST_HOST,
    STAY_ONLINE,
    Arrangement,
)
from benchmarks.impairment.line import UNIMPAIRED, Direction
from benchmarks.impairment.log import Kind
from benchmarks.proof.conditions import Condition, Leg, Party
from tests.browser import media
from tests.browser.browser import Browser, Page, User
from tests.browser.people import PURPOSE
from tests.browser.server import FETCH, Api

# Several calls at once on a small machine: nothing is shown, pictures are small, and sound goes
# as it is.
PICTURE = "320x240@10"
OPERATOR = "olga"
LIFETIME_S = 3600
LOGGED_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.5
HOSTS = {Party.CLIENT: CLIENT_HOST, Party.SPECIALIST: SPECIALIST_HOST}

# Resolves when the page is ready to join; then it is in the call as soon as it can be.
JOIN = """async (picture, bearer, consultation) => {
  const { Call } = await import("/rodrun.js");
  const authorization = `Bearer ${bearer}`;
  const [width, height, frameRate] = picture.split(/[x@]/).map(Number);
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video: { width, height, frameRate },
  });
  const call = (globalThis.rodrunCall = new Call({
    getJoinToken: async () => {
      const answer = await fetch(`/api/v1/consultations/${consultation}/join-tokens`, {
        method: "POST",
        headers: { Authorization: authorization, "Content-Type": "application/json" },
        body: "{}",
      });
      if (!answer.ok) throw new Error(`join-tokens: ${answer.status} ${await answer.text()}`);
      return (await answer.json()).token;
    },
    getAuthorization: () => authorization,
  }));
  await call.setMedia(stream);
  call.start();
}"""
# The SSRC of the audio that it sends, once media flows; the diary begins then.
BEGIN_DIARY = """async () => {
  const entry = __probe.connections.at(-1);
  if (entry === undefined || entry.connectedAt === null) return null;
  const { pc } = entry;
  const stats = await pc.getStats();
  const find = (wanted, of) =>
    [...stats.values()].find(({ type, kind }) => type === wanted && kind === of);
  const ssrc = find("outbound-rtp", "audio")?.ssrc;
  const isUp = ["audio", "video"].every((kind) =>
    find("remote-inbound-rtp", kind) !== undefined
      && [...stats.values()].some((report) =>
        report.type === "inbound-rtp" && report.kind === kind && report.packetsReceived > 20));
  if (ssrc === undefined || !isUp) return null;
  const FIELDS = {
    "inbound-rtp": [
      "ssrc", "packetsReceived", "packetsLost", "retransmittedPacketsReceived", "jitter",
    ],
    "outbound-rtp": ["ssrc", "packetsSent", "retransmittedPacketsSent"],
    "remote-inbound-rtp": [
      "ssrc", "timestamp", "packetsLost", "jitter", "roundTripTime",
      "totalRoundTripTime", "roundTripTimeMeasurements",
    ],
  };
  const diary = (globalThis.__diary = []);
  const look = async () => {
    const entry = { at: 0 };
    for (const report of (await pc.getStats()).values()) {
      const fields = FIELDS[report.type];
      if (fields === undefined) continue;
      entry.at = Math.max(entry.at, report.type === "remote-inbound-rtp" ? 0 : report.timestamp);
      // The screen's streams are there, but without packets.
      if (!(report.packetsReceived ?? report.packetsSent ?? 1)) continue;
      const name = `${report.type} ${report.kind}`;
      entry[name] = Object.fromEntries(fields.map((field) => [field, report[field] ?? null]));
    }
    diary.push(entry);
  };
  setInterval(look, 1000);
  return ssrc;
}"""
READ_DIARY = "(since) => __diary.filter(({ at }) => at >= since)"


@dataclass(frozen=True)
class Member:
    """One party of a call.

    Attributes:
        host, port: the socket as the proxy sees it. (The browser learns another one from the
            node, which the proxy is as a NAT to.)
    """

    party: Party
    page: Page
    host: str
    port: int


class ProofCall:
    """A call that is up. ``end`` hangs up."""

    def __init__(self, arrangement: Arrangement, api: Api, minted: dict[str, Any]) -> None:
        self._arrangement = arrangement
        self._api = api
        assert arrangement.proxy is not None
        self._mark = arrangement.proxy.mark()
        self._tokens = {party: minted[party]["access_token"] for party in Party}
        self._users: list[User] = []
        specialist = minted[Party.SPECIALIST]["id"]
        terms = {
            "summary": "Proof",
            "duration_s": LIFETIME_S,
            "price": "0.00",
            "currency": "EUR",
            "takes_video": True,
        }
        self._do("PUT", "/me/profile", Party.SPECIALIST, terms)
        api.page.evaluate(STAY_ONLINE, self._tokens[Party.SPECIALIST])
        request = {"specialist_id": specialist, "purpose": PURPOSE}
        self.id: str = self._do("POST", "/consultations", Party.CLIENT, request)["id"]
        self._path = f"/consultations/{self.id}"
        self._do("POST", f"{self._path}/accept", Party.SPECIALIST, {})
        pages = {party: self._joined(party) for party in Party}
        self.members = {
            party: Member(
                party,
                page,
                *self._socket(page.wait_for(BEGIN_DIARY, timeout_s=30.0)),
            )
            for party, page in pages.items()
        }

    def impair(self, leg: Leg, condition: Condition) -> None:
        """Impair that leg from now on and no other."""
        proxy = self._arrangement.proxy
        assert proxy is not None
        for party, member in self.members.items():
            up, down = (
                condition.impairment if leg == Leg(party, direction) else UNIMPAIRED
                for direction in Direction
            )
            proxy.impair(up, down, member.host, member.port)

    def quality(self) -> Any:
        """``GET …/quality``, as the client gets it."""
        return self._do("GET", f"{self._path}/quality", Party.CLIENT)

    def diaries(self, since_s: float) -> dict[Party, list[dict[str, Any]]]:
        """What both browsers' statistics were since then, a second apart."""
        return {
            party: member.page.evaluate(READ_DIARY, since_s * 1000)
            for party, member in self.members.items()
        }

    def end(self) -> None:
        """Leave."""
        self._do("POST", f"{self._path}/leave", Party.CLIENT, {})
        for user in self._users:
            user.close()

    def _socket(self, ssrc: int) -> tuple[str, int]:
        """From where that stream comes to the proxy."""
        proxy = self._arrangement.proxy
        assert proxy is not None
        deadline_s = time.time() + LOGGED_WITHIN_S
        while True:
            records = proxy.records_since(self._mark)
            mine = records[
                (records["kind"] == Kind.RTP)
                & (records["direction"] == Direction.UP)
                & (records["ssrc"] == ssrc)
            ]
            if len(mine):
                return mine[-1]["host"].decode(), int(mine[-1]["port"])
            if time.time() > deadline_s:
                raise RuntimeError(f"the proxy has no packet of {ssrc}")
            time.sleep(LOOK_AGAIN_S)

    def _joined(self, party: Party) -> Page:
        browser: Browser = getattr(self._arrangement, party.value)
        user = browser.new_user()
        self._users.append(user)
        page = user.new_page([media.PROBE])
        page.goto(f"{self._arrangement.server.url}/livez")
        page.evaluate(JOIN, PICTURE, self._tokens[party], self.id)
        return page

    def _do(self, method: str, path: str, party: Party, body: Any = None) -> Any:
        found = self._api.page.evaluate(FETCH, method, path, self._tokens[party], body)
        if found["status"] >= 300:
            raise RuntimeError(f"{method} {path}: {found['status']} {found['body']}")
        return found["body"]


@contextmanager
def holding(arrangement: Arrangement, count: int) -> Iterator[Sequence[ProofCall]]:
    """So many calls at once."""
    api = Api(arrangement.client, arrangement.server.url)
    body = {"pairs": count, "lifetime_s": LIFETIME_S}
    minted = api.do("POST", "/operator/synthetic-users", OPERATOR, body)["pairs"]
    calls: list[ProofCall] = []
    try:
        for each in minted:
            calls.append(ProofCall(arrangement, api, each))
            time.sleep(1.0)
        yield calls
    finally:
        for call in calls:
            call.end()
        api.close()
