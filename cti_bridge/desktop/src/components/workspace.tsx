import { useEffect, useLayoutEffect } from "preact/hooks";
import { language, locale, t, word } from "../i18n";
import { agent, attempt, former, phase, pop, setState, ticket, toast } from "../store";
import type { Ticket } from "../types";
import { CallList } from "./call_list";
import { Idle } from "./idle";
import { PopCard, queueTitle } from "./pop_card";
import { QueuePanel } from "./queue_panel";
import { pauseMenuOpen, StatusBar } from "./status_bar";
import { ticketKeys, TicketPanel, TicketToCome } from "./ticket_panel";

export function Workspace() {
  // Before the page is painted: whoever sees it may press a key.
  useLayoutEffect(() => {
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  useTitle();
  const present = ticket.value === null ? [] : [{ ticket: ticket.value, who: undefined }];
  const tickets: { ticket: Ticket; who: string | undefined }[] = [...present, ...former.value];

  return (
    <div class="desktop">
      <StatusBar />
      {agent.value === null ? (
        <p class="no-agent">{t("not_an_agent")}</p>
      ) : (
        <main class="work">
          <div class="work-main">{pop.value === null ? <Idle /> : <PopCard />}</div>
          <aside class="work-side">
            {pop.value !== null && ticket.value === null && <TicketToCome key="to-come" />}
            {tickets.map(({ ticket, who }) => (
              <TicketPanel key={ticket.id} ticket={ticket} who={who} />
            ))}
            <QueuePanel />
            {phase.value === "ringing" && <CallList most={4} />}
            <p class="shortcuts">{t("shortcuts")}</p>
          </aside>
        </main>
      )}
      <Announcer />
      {toast.value !== "" && (
        <div class="toast" role="alert">
          {toast.value}
        </div>
      )}
    </div>
  );
}

/** Says to screen readers what the eyes see: who calls. */
function Announcer() {
  const shown = pop.value;
  const text =
    shown !== null && phase.value === "ringing"
      ? [t("incoming"), shown.customer?.name ?? t("stranger"), word("tier", shown.tier), queueTitle(shown.queue)].join(", ")
      : "";
  return (
    <div class="unseen" aria-live="assertive">
      {text}
    </div>
  );
}

function useTitle() {
  const name = pop.value === null ? null : (pop.value.customer?.name ?? t("stranger"));
  const calling = phase.value === "ringing";
  useEffect(() => {
    document.title = name === null ? "Switchroom" : `${calling ? "☎ " : ""}${name} · Switchroom`;
  }, [name, calling]);
  useEffect(() => {
    document.documentElement.lang = locale();
  }, [language.value]);
}

/** Every shortcut has a modifier: what is typed, wherever the focus is, never acts. */
function onKey(event: KeyboardEvent) {
  const panel = (event.target as HTMLElement).closest<HTMLElement>("[data-ticket]")?.dataset.ticket;
  const keys = ticketKeys.get(panel ?? ticket.value?.id ?? "");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return keys?.close();
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.getModifierState("AltGraph")) return;
  const act = shortcut(event.code, keys);
  if (act === undefined) return;
  event.preventDefault();
  act();
}

type TicketKeys = ReturnType<typeof ticketKeys.get>;

/** By the key's place, as Alt types another letter on some systems. */
function shortcut(code: string, keys: TicketKeys): (() => void) | undefined {
  const state = agent.value?.state;
  const free = state !== "reserved" && state !== "busy";
  if (code === "KeyR" && free && state !== "available") return () => void attempt(() => setState("available"));
  if (code === "KeyP" && free) return pauseMenuOpen.toggle;
  if (code === "KeyN") return keys?.note;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1];
  return digit === undefined ? undefined : () => keys?.choose(Number(digit) - 1);
}
