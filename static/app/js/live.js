// The line to the server: /ws/live/ with a ticket, from where it broke off, with growing pauses between attempts.
//
// A dead line looks like a quiet one to a browser, so the server says `alive` every ten seconds: where it stays away,
// the line is taken for dead.

import { call, SignedOut } from "./session.js";

const DEAD_MS = 25_000;
const PAUSES_MS = [300, 1000, 2000, 4000, 8000, 15_000, 30_000];
const OFFLINE_AFTER = 2;
const RIGHT_ENDED = 4403;

/** `heard(message)`, `state("connecting" | "live" | "offline")` and `signedOut(why)` are told what happens. */
export class Line {
  constructor({ heard, state, signedOut }) {
    Object.assign(this, { heard, tell: state, signedOut });
    this.cursor = null;
    this.attempts = 0;
    this.running = false;
    this.online = () => this.again();
    this.offline = () => this.lost();
    this.seen = () => document.visibilityState === "visible" && (this.socket ? this.check() : this.again());
  }

  start() {
    if (this.running) return;
    this.running = true;
    addEventListener("online", this.online);
    addEventListener("offline", this.offline);
    document.addEventListener("visibilitychange", this.seen);
    this.watch = setInterval(() => this.check(), 5000);
    this.connect();
  }

  stop() {
    this.running = false;
    removeEventListener("online", this.online);
    removeEventListener("offline", this.offline);
    document.removeEventListener("visibilitychange", this.seen);
    clearInterval(this.watch);
    clearTimeout(this.timer);
    this.drop();
  }

  /** Close the socket, whose late news count no more. */
  drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  async connect() {
    clearTimeout(this.timer);
    this.drop();
    const mine = (this.turn = {});
    this.tell(navigator.onLine === false || this.attempts >= OFFLINE_AFTER ? "offline" : "connecting");
    try {
      const { ticket } = await call("live-ticket/", { method: "POST", body: {} });
      if (!this.running || this.turn !== mine) return;
      this.open(ticket);
    } catch (error) {
      if (!this.running || this.turn !== mine) return;
      if (error instanceof SignedOut) this.signedOut(error.message);
      else this.later();
    }
  }

  open(ticket) {
    const query = new URLSearchParams({ ticket });
    if (this.cursor !== null) query.set("cursor", this.cursor);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(`${scheme}//${location.host}/ws/live/?${query}`));
    this.last = Date.now();
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.last = Date.now();
      const message = JSON.parse(event.data);
      const first = this.cursor === null;
      this.cursor = message.cursor;
      this.heard(message, first);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      // Other rights see other things: begin again with everything.
      if (event.code === RIGHT_ENDED) this.cursor = null;
      this.later();
    };
  }

  /** What is shown is the truth from here on. */
  stands() {
    if (!this.socket) return;
    this.attempts = 0;
    this.tell("live");
  }

  /** Connect again after a pause. */
  later() {
    this.drop();
    if (!this.running) return;
    const pause = PAUSES_MS[Math.min(this.attempts, PAUSES_MS.length - 1)];
    this.attempts += 1;
    this.tell(navigator.onLine === false || this.attempts >= OFFLINE_AFTER ? "offline" : "connecting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), pause * (0.75 + Math.random() / 2));
  }

  /** The browser says that there is no network. It may be wrong, so the attempts go on. */
  lost() {
    this.turn = {};
    this.attempts = Math.max(this.attempts, OFFLINE_AFTER);
    this.later();
  }

  /** Try at once. */
  again() {
    if (!this.running) return;
    this.attempts = 0;
    this.connect();
  }

  check() {
    if (this.socket && Date.now() - this.last > DEAD_MS) this.again();
  }
}
