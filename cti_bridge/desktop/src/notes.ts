// Notes on tickets. What is typed is kept on this computer at once, saved on the server within two seconds, and sent
// again until the server has it. A note belongs to its ticket, whatever the screen shows by then.

import { signal } from "@preact/signals";
import { Problem } from "./api";
import type { Ticket, TicketChange } from "./types";

const SAVE_AFTER_MS = 1000;
const RETRY_AFTER_MS = [1000, 2000, 4000, 8000, 15_000];
/** A try whose answer was lost may still arrive, after a newer one: the newest is sent once more after this time. */
const CONFIRM_AFTER_MS = 3000;
/** A note that the server refuses is not kept for ever on a computer that others use too. */
const KEPT_FOR_MS = 7 * 24 * 3600 * 1000;
const KEY = "switchroom.note";

export type Saving = "saved" | "saving" | "unsaved";

/** A note that the server may not have yet. */
export interface Draft {
  text: string;
  /** The server's note on which the typing began. */
  base: string;
  saving: Saving;
  /** Left by an earlier page: somebody else may have written on the ticket since. */
  restored?: boolean;
  /** The fate of a try is not known. */
  doubtful?: boolean;
}

export interface Server {
  load(id: string): Promise<Ticket>;
  change(id: string, change: TicketChange): Promise<Ticket>;
}

/** What to save when another note than `base` is on the server by now: both, and nothing twice. */
export function joined(base: string, there: string, text: string): string {
  if (there === base || text.startsWith(there)) return text;
  return there.includes(text) ? there : `${there}\n${text}`;
}

/** The unsaved notes of one login. */
export class Notes {
  readonly drafts = signal<ReadonlyMap<string, Draft>>(new Map());
  private readonly timers = new Map<string, number>();
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly tries = new Map<string, number>();
  private open = true;

  constructor(
    private readonly login: string,
    private readonly server: Server,
    private readonly onSaved: (ticket: Ticket) => void,
    private readonly onRefused: (id: string, detail: string) => void,
    private readonly storage: Storage = localStorage,
  ) {
    this.restore();
  }

  write(ticket: Ticket, text: string): void {
    const before = this.drafts.value.get(ticket.id) ?? { base: ticket.note, saving: "saving" };
    this.put(ticket.id, { ...before, text, saving: before.saving === "unsaved" ? "unsaved" : "saving" });
    this.saveLater(ticket.id, SAVE_AFTER_MS);
  }

  /** Save the ticket's note now; false when it could not be done and will be tried again. */
  save(id: string): Promise<boolean> {
    return this.inTurn(id, async () => {
      this.cancelTimer(id);
      const draft = this.drafts.value.get(id);
      if (draft === undefined || !this.open) return true;
      try {
        if (draft.restored) await this.compare(id);
        const sent = this.drafts.value.get(id)!.text;
        this.settle(id, sent, await this.server.change(id, { note: sent }));
        return true;
      } catch (problem) {
        return this.failed(id, problem);
      }
    });
  }

  /** Save all of them now; false when one could not be saved and will be tried again. */
  async flush(): Promise<boolean> {
    const saved = await Promise.all([...this.drafts.value.keys()].map((id) => this.save(id)));
    return saved.every(Boolean);
  }

  /** The page is being closed: send what is unsaved without waiting for anything. */
  flushAtClose(): void {
    for (const [id, draft] of this.drafts.value) {
      if (!draft.restored) this.server.change(id, { note: draft.text }).catch(() => {});
    }
  }

  /** Change the ticket together with its note, after whatever is being saved of it. */
  finish(id: string, change: TicketChange): Promise<Ticket> {
    return this.inTurn(id, async () => {
      this.cancelTimer(id);
      const note = this.drafts.value.get(id)?.text;
      try {
        const ticket = await this.server.change(id, note === undefined ? change : { ...change, note });
        if (note !== undefined) this.settle(id, note, ticket, true);
        return ticket;
      } catch (problem) {
        if (note !== undefined) this.saveLater(id, SAVE_AFTER_MS);
        throw problem;
      }
    });
  }

  /** Stop; what is unsaved stays on this computer until this login is back. */
  close(): void {
    this.open = false;
    for (const id of this.timers.keys()) this.cancelTimer(id);
    this.drafts.value = new Map();
  }

  private inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(id) ?? Promise.resolve()).then(work, work);
    this.turns.set(id, turn);
    return turn;
  }

  private async compare(id: string): Promise<void> {
    const there = (await this.server.load(id)).note;
    const draft = this.drafts.value.get(id)!;
    this.put(id, { ...draft, restored: false, base: there, text: joined(draft.base, there, draft.text) });
  }

  private settle(id: string, sent: string, ticket: Ticket, certain = false): void {
    this.tries.delete(id);
    this.onSaved(ticket);
    const draft = this.drafts.value.get(id);
    if (draft === undefined) return;
    if (draft.doubtful && !certain) {
      this.put(id, { ...draft, base: sent, doubtful: false, saving: draft.text === sent ? "saved" : "saving" });
      this.saveLater(id, draft.text === sent ? CONFIRM_AFTER_MS : SAVE_AFTER_MS);
    } else if (draft.text === sent) {
      this.drop(id);
    } else {
      this.put(id, { ...draft, base: sent, saving: "saving" });
      this.saveLater(id, SAVE_AFTER_MS);
    }
  }

  private async failed(id: string, problem: unknown): Promise<boolean> {
    if (!this.open) return false;
    const status = problem instanceof Problem ? problem.status : 0;
    const passing = status === 0 || status === 401 || status === 429 || status >= 500;
    if (!passing && (await this.thereAlready(id))) return true;
    const present = this.drafts.value.get(id)!;
    this.put(id, { ...present, saving: "unsaved", doubtful: passing || present.doubtful === true });
    if (passing) {
      const tries = this.tries.get(id) ?? 0;
      this.tries.set(id, tries + 1);
      this.saveLater(id, RETRY_AFTER_MS[Math.min(tries, RETRY_AFTER_MS.length - 1)]!);
    } else {
      this.onRefused(id, (problem as Problem).message);
    }
    return !passing;
  }

  /** Was the ticket closed with this note by a try whose answer was lost? */
  private async thereAlready(id: string): Promise<boolean> {
    try {
      const ticket = await this.server.load(id);
      this.onSaved(ticket);
      if (ticket.note !== this.drafts.value.get(id)?.text) return false;
      this.drop(id);
      return true;
    } catch {
      return false;
    }
  }

  private saveLater(id: string, delay: number): void {
    if (!this.open || this.timers.has(id)) return; // the first keystroke counts: whoever goes on typing is saved too
    this.timers.set(id, window.setTimeout(() => void this.save(id), delay));
  }

  private cancelTimer(id: string): void {
    window.clearTimeout(this.timers.get(id));
    this.timers.delete(id);
  }

  private put(id: string, draft: Draft): void {
    this.drafts.value = new Map(this.drafts.value).set(id, draft);
    if (!this.open) return;
    try {
      this.storage.setItem(this.key(id), JSON.stringify({ text: draft.text, base: draft.base, at: Date.now() }));
    } catch {
      // A full or forbidden storage: the note is still saved on the server.
    }
  }

  private drop(id: string): void {
    const drafts = new Map(this.drafts.value);
    drafts.delete(id);
    this.drafts.value = drafts;
    this.storage.removeItem(this.key(id));
  }

  private key(id: string): string {
    return `${KEY}:${this.login}:${id}`;
  }

  private restore(): void {
    const prefix = `${KEY}:${this.login}:`;
    const drafts = new Map<string, Draft>();
    for (const key of Object.keys(this.storage).filter((key) => key.startsWith(prefix))) {
      const { text, base, at } = JSON.parse(this.storage.getItem(key)!);
      if (Date.now() - at > KEPT_FOR_MS) this.storage.removeItem(key);
      else drafts.set(key.slice(prefix.length), { text, base, saving: "saving", restored: true });
    }
    this.drafts.value = drafts;
    void this.flush();
  }
}
