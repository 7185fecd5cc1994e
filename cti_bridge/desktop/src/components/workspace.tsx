import { useEffect, useLayoutEffect } from "preact/hooks";
import { language, locale, t, word } from "../i18n";
import { agent, attempt, phase, pop, setState, toast } from "../store";
import { CallList } from "./call_list";
import { Idle } from "./idle";
import { PopCard, queueTitle } from "./pop_card";
import { QueuePanel } from "./queue_panel";
import { pauseMenuOpen, StatusBar } from "./status_bar";
import { ticketKeys, TicketPanel } from "./ticket_panel";

export function Workspace() {
  // Before the page is painted: whoever sees it may press a key.
  useLayoutEffect(() => {
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  useTitle();

  return (
    <div class="desktop">
      <StatusBar />
      {agent.value === null ? (
        <p class="no-agent">{t("not_an_agent")}</p>
      ) : (
        <main class="work">
          <div class="work-main">{pop.value === null ? <Idle /> : <PopCard />}</div>
          <aside class="work-side">
            {pop.value !== null && <TicketPanel />}
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

function onKey(event: KeyboardEvent) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return ticketKeys.close();
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const state = agent.value?.state;
  const free = state !== "reserved" && state !== "busy";
  if (event.key === "r" && free && state !== "available") void attempt(() => setState("available"));
  else if (event.key === "p" && free) pauseMenuOpen.toggle();
  else if (event.key === "n") {
    event.preventDefault();
    ticketKeys.note();
  } else if (/^[1-9]$/.test(event.key)) ticketKeys.choose(Number(event.key) - 1);
}
