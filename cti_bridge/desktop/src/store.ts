// The desktop's state, and what changes it: messages of the server and what the agent does.

import { batch, computed, signal } from "@preact/signals";
import { ask, Problem, useCsrf } from "./api";
import { t } from "./i18n";
import { EventSocket } from "./socket";
import type { Agent, AgentState, Call, Message, Queue, ScreenPop, Session, Ticket } from "./types";

export const session = signal<Session | null>(null);
/** False until it is known whether a session is still open. */
export const asked = signal(false);
export const agent = signal<Agent | null>(null);
export const queues = signal<Queue[]>([]);
export const pop = signal<ScreenPop | null>(null);
export const ticket = signal<Ticket | null>(null);
export const calls = signal<Call[]>([]);
export const connected = signal(true);
export const toast = signal("");

/** The server's present time in milliseconds: timers are right even when this computer's clock is not. */
export const now = signal(Date.now());
let skew = 0;
window.setInterval(() => (now.value = Date.now() + skew), 500);

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

export async function logIn(login: string, password: string): Promise<void> {
  begin(await ask<Session>("POST", "session", { login, password }));
}

export async function logOut(): Promise<void> {
  await attempt(async () => {
    if (agent.value !== null && agent.value.state !== "logged_out") await setState("logged_out");
    await ask("DELETE", "session");
  });
  end();
}

function begin(opened: Session): void {
  useCsrf(opened.csrf);
  batch(() => {
    session.value = opened;
    agent.value = opened.agent;
  });
  if (opened.agent === null) return;
  socket = new EventSocket(take, (up) => (connected.value = up), () => void stillMine());
  socket.open();
  void loadCalls();
}

function end(): void {
  socket?.close();
  socket = null;
  batch(() => {
    session.value = agent.value = pop.value = ticket.value = null;
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
  agent.value = await ask<Agent>("PUT", `agents/${agent.value!.id}/state`, body);
  clearIfDone();
}

export async function hangUp(): Promise<void> {
  if (pop.value !== null) await ask("POST", `calls/${encodeURIComponent(pop.value.call_id)}/actions/hangup`);
}

export async function changeTicket(change: Partial<Pick<Ticket, "state" | "disposition" | "note">>): Promise<void> {
  if (ticket.value !== null) ticket.value = await ask<Ticket>("PATCH", `tickets/${ticket.value.id}`, change);
}

/** The page tells that the pop is drawn (in a hidden tab: that it is in the page); the phone rings then. */
export function drawn(offerId: string): void {
  if (offerId !== "") socket?.send({ type: "popped", offer_id: offerId });
}

export async function loadCalls(): Promise<void> {
  await attempt(async () => {
    calls.value = await ask<Call[]>("GET", "calls?limit=30");
  });
}

async function loadTicket(id: number): Promise<void> {
  await attempt(async () => {
    const found = await ask<Ticket>("GET", `tickets/${id}`);
    if (found.call_id === pop.value?.call_id) ticket.value = found;
  });
}

function take(message: Message): void {
  batch(() => TAKE[message.type]?.(message.data, message.time));
}

type Taker = (data: Record<string, unknown>, time: string) => void;

const TAKE: Record<string, Taker> = {
  "switchroom.hello": (data, time) => {
    skew = Date.parse(time) - Date.now();
    now.value = Date.now() + skew;
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
      call_id: data.call_id as string | null,
      until: data.until as string | null,
      since: time,
    };
    clearIfDone();
  },
  "switchroom.phone.changed": (data) => {
    if (agent.value !== null) agent.value = { ...agent.value, phone_registered: data.registered as boolean };
  },
  "switchroom.call.connected": (data, time) => amend(data, { answered_at: time }),
  "switchroom.call.ended": (data, time) => {
    amend(data, { ended_at: time });
    void loadCalls();
  },
  "switchroom.offer.failed": (data) => {
    if (data.call_id !== pop.value?.call_id) return;
    pop.value = null;
    say(data.failure === "caller_left" ? t("caller_left") : t("missed"));
  },
  "switchroom.ticket.opened": (data) => {
    amend(data, { ticket_id: data.ticket_id as number });
    if (data.call_id === pop.value?.call_id) void loadTicket(data.ticket_id as number);
  },
  "switchroom.recording.ready": () => void loadCalls(),
};

/** Take in queues by name: a message may carry only those that changed. */
function mergeQueues(changed: Queue[]): void {
  const byName = new Map(queues.value.map((queue) => [queue.name, queue]));
  for (const queue of changed) byName.set(queue.name, queue);
  queues.value = [...byName.values()];
}

function show(shown: ScreenPop): void {
  const same = shown.call_id === pop.value?.call_id;
  pop.value = shown;
  if (!same) ticket.value = null;
  if (shown.ticket_id !== null && ticket.value === null) void loadTicket(shown.ticket_id);
}

function amend(data: Record<string, unknown>, change: Partial<ScreenPop>): void {
  if (pop.value !== null && data.call_id === pop.value.call_id) pop.value = { ...pop.value, ...change };
}

/** A finished call leaves the screen with its work done; an open ticket stays until it is closed or a call comes. */
function clearIfDone(): void {
  const working = ["reserved", "busy", "wrap_up"].includes(agent.value?.state ?? "");
  if (!working && (ticket.value === null || ticket.value.state !== "open")) {
    pop.value = null;
    ticket.value = null;
  }
}

/** Close the ticket and, after the call, be ready for the next one. */
export async function closeTicket(disposition: string, note: string): Promise<void> {
  await changeTicket({ state: "closed", disposition, note });
  await goOn();
}

/** Leave the ticket for later. */
export async function keepTicket(note: string): Promise<void> {
  await changeTicket({ state: "pending", note });
  await goOn();
}

async function goOn(): Promise<void> {
  if (agent.value?.state === "wrap_up") await setState("available");
  else clearIfDone();
  void loadCalls();
}
