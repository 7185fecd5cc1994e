// The event socket: notices a silent network, connects again by itself, goes on after the last id that it saw.

import type { Message } from "./types";

const PAUSES_MS = [200, 500, 1000, 2000, 5000];
/** The server says something every 4 s. After a longer silence than this the network is taken for dead. */
const SILENT_AFTER_MS = 9000;
const CHECK_EVERY_MS = 500;

export class EventSocket {
  private socket: WebSocket | null = null;
  private last: string | null = null;
  private tries = 0;
  private again = 0;
  private heardAt = 0;
  private readonly watch = window.setInterval(() => this.check(), CHECK_EVERY_MS);

  constructor(
    private readonly onMessage: (message: Message) => void,
    private readonly onConnected: (connected: boolean) => void,
    /** Called when the server cannot be reached or refuses: the session may have ended. */
    private readonly onRefused: () => void,
  ) {
    document.addEventListener("visibilitychange", this.check);
  }

  open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const from = this.last === null ? "" : `?last=${this.last}`;
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/events${from}`);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.heardAt = Date.now();
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data) as Message;
      this.heardAt = Date.now();
      this.tries = 0;
      if (message.id !== undefined) this.last = message.id;
      this.onMessage(message);
      this.onConnected(true);
    };
    socket.onclose = () => {
      if (!opened) this.onRefused();
      this.lost();
    };
    this.heardAt = Date.now();
    this.socket = socket;
  }

  send(message: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close(): void {
    window.clearInterval(this.watch);
    document.removeEventListener("visibilitychange", this.check);
    this.drop();
  }

  /** By the clock on the wall: a hidden tab's timers come late, and a computer that slept has missed them. */
  private readonly check = (): void => {
    if (this.socket !== null && Date.now() - this.heardAt > SILENT_AFTER_MS) this.lost();
  };

  private lost(): void {
    this.drop();
    this.onConnected(false);
    const pause = PAUSES_MS[Math.min(this.tries++, PAUSES_MS.length - 1)]!;
    // Spread out: after a restart of the server all desktops come back at once.
    this.again = window.setTimeout(() => this.open(), pause * (0.5 + Math.random()));
  }

  /** Without waiting for the other side's word: a dead network brings none. */
  private drop(): void {
    window.clearTimeout(this.again);
    if (this.socket === null) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }
}
