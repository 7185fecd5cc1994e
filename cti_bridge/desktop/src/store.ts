// The desktop's state, and what changes it: messages of the server and what the agent does.

import { batch, computed, signal } from "@preact/signals";
import { ask, Problem, useCsrf } from "./api";
import { t } from "./i18n";
import { Notes } from "./notes";
import { EventSocket } from "./socket";
import type { Agent, AgentState, Call, Message, Queue, ScreenPop, Session, Ticket, TicketChange } from "./types";

export const session = signal<Session | null>(null);
/** False until it is known whether a session is still open. */
export const asked = signal(false);
export const agent = signal<Agent | null>(null);
export const queues = signal<Queue[]>([]);
export const pop = signal<ScreenPop | null>(null);
export const ticket = signal<Ticket | null>(null);
/** Tickets of former calls that were still open when the next call came, the newest first: their notes may go on. */
export const former = signal<readonly FormerTicket[]>([]);
export const notes = signal<Notes | null>(null);
export const calls = signal<Call[]>([]);
export const connected = signal(true);
export const toast = signal("");

/** The server's present time in milliseconds: timers are right even when this computer's clock is not. */
export const now = signal(Date.now());
let skew = 0;
window.setInterval(() => (now.value = Date.now() + skew), 500);

export interface FormerTicket {
  ticket: Ticket;
  who: string;
}
const MOST_FORMER = 2;

export type Phase = "ringing" | "talking" | "ended";
export const phase = computed<Phase | null>(() => {
  const shown = pop.value;
  if (shown === null) return null;
  if (shown.ended_at !== null) return "ended";
  return shown.answered_at !== null ? "talking" : "ringing";
});

let socket: EventSocket | null = null;

export async function resume(): Promise<void> {
  try {
    begin(await ask<Session>("GET", "session"));
  } catch {
    session.value = null;
  }
  asked.value = true;
}

/** Without a `desk` the agent sits at their own phone, or where they sat. */
export async function logIn(login: string, password: string, desk: string): Promise<void> {
  begin(await ask<Session>("POST", "session", desk === "" ? { login, password } : { login, password, desk }));
}

export async function logOut(): Promise<void> {
  const done = await attempt(async () => {
    if (!((await notes.value?.flush()) ?? true)) throw new Problem(0, "");
    if (agent.value !== null && agent.value.state !== "logged_out") await setState("logged_out");
    await ask("DELETE", "session");
  });
  if (done) end();
}

function begin(opened: Session): void {
  useCsrf(opened.csrf);
  batch(() => {
    session.value = opened;
    agent.value = opened.agent;
  });
  if (opened.agent === null) return;
  const refused = (id: string) => say(`#${id}: ${t("note_refused")}`);
  notes.value = new Notes(opened.login, { load: fetchTicket, change: patchTicket }, took, refused);
  socket = new EventSocket(take, onConnected, () => void stillMine());
  socket.open();
  void loadCalls();
}

function onConnected(up: boolean): void {
  if (up && !connected.value) void notes.value?.flush();
  connected.value = up;
}

// A page that goes out of sight may be closed without a further word.
window.addEventListener("pagehide", () => notes.value?.flushAtClose());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) void notes.value?.flush();
});

function end(): void {
  socket?.close();
  socket = null;
  notes.value?.close();
  batch(() => {
    session.value = agent.value = pop.value = ticket.value = notes.value = null;
    former.value = [];
    calls.value = [];
    connected.value = true;
  });
}

async function stillMine(): Promise<void> {
  try {
    await ask("GET", "session");
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) end();
  }
}

/** Do it, and show in words what kept it from being done. */
export async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) end();
    else say(problem instanceof Problem && problem.status > 0 ? problem.message : t("offline"));
    return false;
  }
}

let toastTimer = 0;
export function say(text: string): void {
  toast.value = text;
  window.clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => (toast.value = ""), 5000);
}

export async function setState(state: "available" | "paused" | "logged_out", reason?: string): Promise<void> {
  const body = reason === undefined ? { state } : { state, reason };
  const answered = await ask<Agent>("PUT", `agents/${agent.value!.id}/state`, body);
  // A call may have come before the answer: what is newer stays.
  if (agent.value === null || Date.parse(answered.since) < Date.parse(agent.value.since)) return;
  agent.value = answered;
  clearIfDone();
}

export async function hangUp(): Promise<void> {
  if (pop.value !== null) await ask("POST", `contacts/${encodeURIComponent(pop.value.contact_id)}/actions/hangup`);
}

const fetchTicket = (id: string): Promise<Ticket> => ask<Ticket>("GET", `tickets/${encodeURIComponent(id)}`);

async function patchTicket(id: string, change: TicketChange): Promise<Ticket> {
  try {
    return await ask<Ticket>("PATCH", `tickets/${encodeURIComponent(id)}`, change);
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) end();
    throw problem;
  }
}

/** An answer about a ticket changes what is shown of this ticket, and of no other. */
function took(found: Ticket): void {
  if (ticket.value?.id === found.id) ticket.value = found;
  former.value = former.value.map((one) => (one.ticket.id === found.id ? { ...one, ticket: found } : one));
}

/** The page tells that the pop is drawn (in a hidden tab: that it is in the page); the phone rings then. */
export function drawn(offerId: string): void {
  if (offerId !== "") socket?.send({ type: "pop_shown", offer_id: offerId });
}

export async function loadCalls(): Promise<void> {
  await attempt(async () => {
    calls.value = await ask<Call[]>("GET", "contacts?limit=30");
  });
}

const TICKET_AGAIN_MS = 1000;

async function loadTicket(id: string): Promise<void> {
  await attempt(async () => {
    // It may be written down a moment later that the contact is ours too.
    const later = () => new Promise((done) => window.setTimeout(done, TICKET_AGAIN_MS));
    const found = await fetchTicket(id).catch(() => later().then(() => fetchTicket(id)));
    if (found.contact_id === pop.value?.contact_id) ticket.value = found;
  });
}

function take(message: Message): void {
  batch(() => TAKE[message.type]?.(message.data, message.time));
}

type Taker = (data: Record<string, unknown>, time: string) => void;

const TAKE: Record<string, Taker> = {
  "switchroom.heartbeat": (_, time) => setClock(time),
  "switchroom.gap": () => {
    // What was missed will not be told: ask for what is on the screen. The rest comes with the hello.
    void loadCalls();
    for (const shown of [ticket.value, ...former.value.map((one) => one.ticket)]) {
      if (shown !== null) void attempt(async () => took(await fetchTicket(shown.id)));
    }
  },
  "switchroom.hello": (data, time) => {
    setClock(time);
    agent.value = (data.agents as Agent[])[0] ?? agent.value;
    queues.value = [];
    mergeQueues(data.queues as Queue[]);
    if (data.pop !== null) show(data.pop as ScreenPop);
    else clearIfDone();
  },
  "switchroom.screenpop": (data) => show(data as unknown as ScreenPop),
  "switchroom.queues": (data) => mergeQueues(data.queues as Queue[]),
  "switchroom.agent.state.changed": (data, time) => {
    if (agent.value === null) return;
    agent.value = {
      ...agent.value,
      state: data.state as AgentState,
      reason: data.reason as string | null,
      contact_id: data.contact_id as string | null,
      until: data.until as string | null,
      since: time,
    };
    clearIfDone();
  },
  "switchroom.desk.changed": (data) => {
    if (agent.value !== null) agent.value = { ...agent.value, phone_registered: data.phone_registered as boolean };
  },
  "switchroom.contact.connected": (data, time) => amend(data, { answered_at: time }),
  "switchroom.agent.joined": (data, time) => {
    if (data.agent_id === agent.value?.id) amend(data, { answered_at: time });
  },
  "switchroom.talk.ended": (data, time) => {
    if (data.agent_id === agent.value?.id) amend(data, { ended_at: time });
  },
  "switchroom.consult.ended": (data) => {
    const over = data.ending !== "handed_over" && data.ending !== "conference";
    if (over && data.consulted === agent.value?.id && data.contact_id === pop.value?.contact_id) pop.value = null;
  },
  "switchroom.contact.ended": (data, time) => {
    amend(data, { ended_at: time });
    void loadCalls();
  },
  "switchroom.offer.failed": (data) => {
    if (data.contact_id !== pop.value?.contact_id) return;
    pop.value = null;
    say(data.failure === "caller_left" ? t("caller_left") : t("missed"));
  },
  "switchroom.ticket.opened": (data) => {
    amend(data, { ticket_id: data.ticket_id as string });
    if (data.contact_id === pop.value?.contact_id) void loadTicket(data.ticket_id as string);
  },
  "switchroom.recording.ready": () => void loadCalls(),
};

function setClock(time: string): void {
  skew = Date.parse(time) - Date.now();
  now.value = Date.now() + skew;
}

/** Take in queues by name: a message may carry only those that changed. */
function mergeQueues(changed: Queue[]): void {
  const byName = new Map(queues.value.map((queue) => [queue.name, queue]));
  for (const queue of changed) byName.set(queue.name, queue);
  queues.value = [...byName.values()];
}

function show(shown: ScreenPop): void {
  const same = shown.contact_id === pop.value?.contact_id;
  if (!same) setAside();
  pop.value = shown;
  if (shown.ticket_id !== null && ticket.value === null) void loadTicket(shown.ticket_id);
}

/** The next call has the screen now; what is not finished of the last one stays beside it. */
function setAside(): void {
  const open = ticket.value;
  if (open !== null && open.state === "open") {
    void notes.value?.save(open.id);
    const who = pop.value?.customer?.name ?? (pop.value?.phone || t("stranger"));
    const others = former.value.filter((one) => one.ticket.id !== open.id);
    former.value = [{ ticket: open, who }, ...others].slice(0, MOST_FORMER);
  }
  ticket.value = null;
}

function amend(data: Record<string, unknown>, change: Partial<ScreenPop>): void {
  if (pop.value !== null && data.contact_id === pop.value.contact_id) pop.value = { ...pop.value, ...change };
}

/** A finished call leaves the screen with its work done; an open ticket stays until it is closed or a call comes. */
function clearIfDone(): void {
  const working = ["reserved", "busy", "wrap_up"].includes(agent.value?.state ?? "");
  if (!working && (ticket.value === null || ticket.value.state !== "open")) {
    pop.value = null;
    ticket.value = null;
  }
}

/** Close the ticket and, after its call, be ready for the next one. */
export async function closeTicket(id: string, disposition: string): Promise<void> {
  await finish(id, { state: "closed", disposition });
}

/** Leave the ticket for later. */
export async function keepTicket(id: string): Promise<void> {
  await finish(id, { state: "pending" });
}

async function finish(id: string, change: TicketChange): Promise<void> {
  const found = await notes.value!.finish(id, change);
  took(found);
  former.value = former.value.filter((one) => one.ticket.id !== id);
  if (ticket.value?.id === id) {
    if (agent.value?.state === "wrap_up") await setState("available");
    else clearIfDone();
  }
  void loadCalls();
}
