// The server's values, as its OpenAPI document describes them.

export type AgentState = "logged_out" | "available" | "reserved" | "busy" | "wrap_up" | "paused";
export type Tier = "standard" | "silver" | "gold" | "platinum";
export type TicketState = "open" | "pending" | "closed";

export interface Agent {
  id: string;
  name: string;
  state: AgentState;
  reason: string | null;
  since: string;
  until: string | null;
  contact_id: string | null;
  queues: string[];
  phone_registered: boolean;
}

export interface Session {
  login: string;
  role: "agent" | "supervisor" | "admin";
  agent: Agent | null;
  csrf: string | null;
  dispositions: string[];
  pause_reasons: string[];
}

export interface Queue {
  name: string;
  title: Record<string, string>;
  /** How many wait, and since when the one who came first does. */
  waiting: number;
  oldest: string | null;
  agents_available: number;
  agents_logged_in: number;
}

export interface Customer {
  id: string;
  name: string;
  tier: Tier;
  language: string | null;
  phones: string[];
  email: string | null;
  note: string;
  preferences: Record<string, string>;
}

export interface Order {
  number: string;
  status: string;
  status_zh: string;
  carrier: string | null;
  eta: string | null;
  total: { amount: string; currency: string };
  items: { name: string; quantity: number }[];
  placed_at: string;
}

export interface FormerContact {
  contact_id: string;
  entered_at: string;
  queue: string | null;
  agent_id: string | null;
  outcome: string | null;
  disposition: string | null;
  subject: string | null;
}

export interface Ticket {
  id: string;
  contact_id: string;
  subject: string;
  state: TicketState;
  created_at: string;
  disposition: string | null;
  note: string;
}

export type TicketChange = Partial<Pick<Ticket, "state" | "disposition" | "note">>;

export interface TakenInput {
  node: string;
  kind: "dtmf" | "speech";
  value: string;
}

export interface ScreenPop {
  contact_id: string;
  offer_id: string;
  number: string;
  phone: string;
  tier: Tier;
  language: string | null;
  brand: string;
  brand_title: Record<string, string>;
  queue: string | null;
  offered_at: string;
  ring_timeout_s: number;
  entered_at: string;
  waited_s: number;
  answered_at: string | null;
  ended_at: string | null;
  ticket_id: string | null;
  path: string[];
  inputs: TakenInput[];
  collected: Record<string, string>;
  customer: Customer | null;
  orders: Order[];
  contacts: FormerContact[];
  tickets: Ticket[];
}

export interface Call {
  contact_id: string;
  caller: string;
  tier: Tier;
  queue: string | null;
  entered_at: string;
  answered_at: string | null;
  ended_at: string | null;
  outcome: string | null;
  disposition: string | null;
  recording_id: string | null;
}

export interface Message {
  type: string;
  time: string;
  data: Record<string, unknown>;
  id?: string;
}
