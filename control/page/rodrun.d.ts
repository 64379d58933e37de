/**
 * Types of rodrun.js, the browser side of a rodrun call, and of rodrun_probe.js, the check of the
 * network before it. Times in names: Ms; rates: Bps.
 */

/**
 * - `new`: not started. `connecting`: first join under way.
 * - `connected`: ICE and DTLS are up (the partner may not be there yet).
 * - `reconnecting`: nothing is heard from the node; ICE restarts and new joins are being tried.
 * - `replaced`: a newer join of the same participant took over; this call does not come back.
 * - `closed`: stopped, or refused for good.
 */
export type CallState = "new" | "connecting" | "connected" | "reconnecting" | "replaced" | "closed";

/** Why a step failed. An error of yours with `final: true` from a callback ends the call. */
export class CallError extends Error {
  constructor(message: string, options?: { status?: number; code?: string; final?: boolean });
  /** HTTP status, 0 when no response came. */
  readonly status: number;
  /** `code` of the RFC 9457 problem document, or "unreachable", "timeout", "". */
  readonly code: string;
  readonly final: boolean;
}

/** What POST /consultations/{id}/join-tokens answers, as far as a call needs it. */
export interface JoinToken {
  token: string;
  /** TURN servers that the service knows, with fresh credentials; empty or absent: none. */
  ice_servers?: RTCIceServer[];
}

export interface CallOptions {
  /** Address of the control API, default "/api/v1". */
  endpoint?: string;
  /**
   * A fresh join token for each attempt: what POST /consultations/{id}/join-tokens answers. The
   * `token` alone does, too, and the call then knows no TURN servers but yours.
   */
  getJoinToken: () => Promise<JoinToken | string>;
  /**
   * Value of the Authorization header ("Bearer …") for POST /connections/{id}/ice-restart.
   * Without it a lost connection is joined anew instead of restarted.
   */
  getAuthorization?: (() => string | Promise<string>) | null;
  /** Replaces the global fetch. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | null;
  /** TURN servers of your own, in place of those that come with the join token. */
  iceServers?: RTCIceServer[];
}

/**
 * Figures of the time since the last ones, as this browser measures them. They do not say how good
 * our own connection is: the event `quality` of the service does.
 */
export interface CallStats {
  rttMs: number | null;
  /**
   * What is missing of the partner's packets, be it on their way to the node or on ours from it;
   * null when none were due.
   */
  lossPct: number | null;
  /** How long nothing at all has been heard from the node; from 4000 on `state` says so, too. */
  silentMs: number;
  bitrateDownBps: number;
  bitrateUpBps: number;
  /** Decoded frames of the partner's camera. */
  framesPerSecond: number;
  width: number;
  height: number;
}

export interface CallEventMap {
  statechange: CustomEvent<{ state: CallState; reason: string }>;
  /**
   * After every join: the partner's audio and camera, and the partner's screen. Play the audio
   * track in an element of its own: Chromium holds back the sound of a video element until its
   * first picture, which never comes from a partner without a camera.
   */
  remotestream: CustomEvent<{ stream: MediaStream; screen: MediaStream }>;
  /** Whether pictures of the partner's camera and screen are arriving. */
  flow: CustomEvent<{ video: boolean; screen: boolean }>;
  /** About once a second, more often while the partner's picture is awaited. */
  stats: CustomEvent<CallStats>;
  /** After every join. */
  connection: CustomEvent<{ connectionId: string; videoCodec: "vp8" | "vp9" | "av1" | "h264" }>;
  /** Our own screen began or ended, also when ended from the browser's own bar. */
  screenchange: CustomEvent<{ sharing: boolean }>;
  /** A join or restart failed; another follows after a back-off. */
  attemptfailed: CustomEvent<{ error: CallError; failures: number }>;
}

export class Call extends EventTarget {
  constructor(options: CallOptions);

  readonly state: CallState;
  readonly connectionId: string | null;
  readonly remoteStream: MediaStream | null;
  readonly remoteScreen: MediaStream | null;
  /** What is not sent now because of `pauseVideo`. */
  readonly paused: { camera: boolean; screen: boolean };
  readonly flowing: { video: boolean; screen: boolean };

  /** Joins and stays joined until `stop()`. Media may be given before or after. */
  start(): void;
  /** Leaves for good. The tracks given to the call are left running. */
  stop(): void;

  /** Sends the first audio and the first video track; null sends neither. */
  setMedia(stream: MediaStream | null): Promise<void>;
  setAudio(track: MediaStreamTrack | null): Promise<void>;
  /** Null sends no picture; the sender stays, so no negotiation follows. */
  setCamera(track: MediaStreamTrack | null): Promise<void>;
  /** Shares the video track of a getDisplayMedia stream; null ends the sharing. */
  setScreen(stream: MediaStream | null): Promise<void>;
  /** Muted audio goes on as silence. Holds for tracks given later too. */
  setMuted(muted: boolean): void;

  /**
   * Tell the call of the event `video_pause` when its `receiver` is the other one: what is true is
   * not sent, what is false is sent again and begins with a keyframe. Holds for later joins and
   * tracks too, and is independent of `setCamera` and `setScreen`: pictures flow when there is a
   * track and no pause.
   */
  pauseVideo(paused: { camera?: boolean; screen?: boolean }): Promise<void>;
  /** Tell the call of the event `connection_replaced`; ids of other connections are ignored. */
  replaced(connectionId: string): void;
  /** Tell the call of the event `rejoin`; ids of other connections are ignored. */
  rejoin(connectionId: string): void;

  /** Statistics of the present connection; null before the first join. */
  getStats(): Promise<RTCStatsReport | null>;

  addEventListener<K extends keyof CallEventMap>(
    type: K,
    listener: (event: CallEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof CallEventMap>(
    type: K,
    listener: (event: CallEventMap[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** The table of states: state → trigger → state. */
export const TRANSITIONS: Readonly<Record<CallState, Readonly<Record<string, CallState>>>>;
/** Milliseconds to wait after that many failures in a row. */
export function backOffMs(failures: number): number;
/** What is tried after a failure. */
export function nextPlan(
  plan: "restart" | "join",
  error: { status: number; code: string },
  failures: number,
): "restart" | "join";

// rodrun_probe.js

export interface ProbeOptions {
  /** Address of the control API, default "/api/v1". */
  endpoint?: string;
  /** Value of the Authorization header ("Bearer …"). */
  getAuthorization: () => string | Promise<string>;
  /** Those that the call will have, when they are your own; else the service is asked for its own. */
  iceServers?: RTCIceServer[];
  /** Calls the probe off. */
  signal?: AbortSignal;
  /** Called when the connections stand and the 5 s begin. */
  onmedia?: () => void;
  /** Replaces the global fetch. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | null;
}

/** One direction, as the node measured it. */
export interface ProbedWay {
  /** Null: nothing was sent. */
  lossPct: number | null;
  /** What came through; more where the browser believes that the network carries more (Chromium). */
  bitrateBps: number;
}

export interface ProbeResult {
  /** "direct": UDP reaches the node; "relay": only over TURN does it; "blocked": nothing does. */
  path: "direct" | "relay" | "blocked";
  /** Where the node listens ("192.0.2.1:7878"), for whoever opens a firewall. */
  node: string | null;
  rttMs: number | null;
  /** To the node and from it; null: not known. */
  up: ProbedWay | null;
  down: ProbedWay | null;
}

export type Advice = "video" | "coarse" | "audio-only" | "poor" | "blocked" | "unknown";

/**
 * Takes about 6 s. Rejects with CallError: its `code` is that of control's refusal ("node-full",
 * "too-many-requests", "not-in-this-state" during a call …), "unreachable", "aborted" by the signal,
 * or "hidden": the page was not visible, and a hidden page draws no pictures to send.
 */
export function probe(options: ProbeOptions): Promise<ProbeResult>;
/** What to expect of a call after this. */
export function advise(result: ProbeResult): Advice;
/** Up to where video, coarse video and sound are to be expected. */
export const LIMITS: Readonly<
  Record<"video" | "coarse" | "sound", { bitrateBps: number; lossPct: number; rttMs: number }>
>;
