// The event socket: connects again by itself, goes on after the last id that it saw.

import type { Message } from "./types";

const PAUSES_MS = [200, 500, 1000, 2000, 5000];

export class EventSocket {
  private socket: WebSocket | null = null;
  private last: number | null = null;
  private tries = 0;
  private timer = 0;
  private closed = false;

  constructor(
    private readonly onMessage: (message: Message) => void,
    private readonly onConnected: (connected: boolean) => void,
    /** Called when the server cannot be reached or refuses: the session may have ended. */
    private readonly onRefused: () => void,
  ) {}

  open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const from = this.last === null ? "" : `?last=${this.last}`;
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/events${from}`);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.tries = 0;
      this.onConnected(true);
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data) as Message;
      if (message.id !== undefined) this.last = Math.max(this.last ?? 0, message.id);
      this.onMessage(message);
    };
    socket.onclose = () => {
      if (this.closed) return;
      this.onConnected(false);
      if (!opened) this.onRefused();
      const pause = PAUSES_MS[Math.min(this.tries++, PAUSES_MS.length - 1)]!;
      // Spread out: after a restart of the server all desktops come back at once.
      this.timer = window.setTimeout(() => this.open(), pause * (0.5 + Math.random()));
    };
    this.socket = socket;
  }

  send(message: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.socket?.close();
  }
}
