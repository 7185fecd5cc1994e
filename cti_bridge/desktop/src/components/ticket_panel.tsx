import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t, word } from "../i18n";
import { agent, attempt, closeTicket, keepTicket, notes, phase, session, ticket as present } from "../store";
import type { Ticket } from "../types";
import { Icon } from "./icons";

const LONGEST_NOTE = 10_000;

/** What the keyboard may do with a ticket on the screen, by its id. */
export const ticketKeys = new Map<string, { choose(index: number): void; close(): void; note(): void }>();

/** The present call's ticket, or with `who` (the caller) that of a former call. */
export function TicketPanel({ ticket, who }: { ticket: Ticket; who: string | undefined }) {
  const { id, subject, state } = ticket;
  const chosen = useSignal(ticket.disposition ?? "");
  const busy = useSignal(false);
  const panel = useRef<HTMLElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = notes.value?.drafts.value.get(id);
  const saving = draft?.saving ?? "saved";
  const open = state !== "closed";

  async function finish(work: () => Promise<void>) {
    busy.value = true;
    await attempt(work);
    busy.value = false;
  }
  const close = () => {
    if (open && !busy.value && chosen.value !== "") void finish(() => closeTicket(id, chosen.value));
  };

  useEffect(() => {
    ticketKeys.set(id, {
      choose: (index) => {
        const word = session.value?.dispositions[index];
        if (open && word !== undefined) chosen.value = word;
      },
      close,
      note: () => field.current?.focus(),
    });
    return () => void ticketKeys.delete(id);
  });

  useEffect(() => {
    // Moved aside by the next call while it is written on: it stays in sight.
    if (who !== undefined && panel.current!.contains(document.activeElement)) panel.current!.scrollIntoView({ block: "nearest" });
  }, [who, present.value?.id]);

  return (
    <section ref={panel} class={`panel ticket-panel ${who === undefined ? "" : "former"}`} data-ticket={id}>
      <h2>
        <Icon name={who === undefined ? "ticket" : "history"} />
        <span class="ticket-name">{who === undefined ? t("ticket") : `${t("former_call")} · ${who}`}</span> #{id}
        <span class={`chip ticket-${state}`}>{word("state", state)}</span>
      </h2>
      {who === undefined && <p class="ticket-subject">{subject}</p>}
      <label class="note-label" for={`note-${id}`}>
        <span>
          {t("note")} {open && who === undefined && <kbd>Alt N</kbd>}
        </span>
        {(open || saving !== "saved") && (
          <span class={`save save-${saving}`} role="status">
            {t(saving)}
          </span>
        )}
      </label>
      <textarea
        id={`note-${id}`}
        class="note"
        ref={field}
        rows={who === undefined ? 3 : 2}
        maxLength={LONGEST_NOTE}
        disabled={!open}
        placeholder={t("note_hint")}
        value={draft?.text ?? ticket.note}
        onInput={(event) => notes.value!.write(ticket, event.currentTarget.value)}
      />
      {who === undefined ? (
        <Dispositions chosen={chosen} open={open} />
      ) : (
        <DispositionList chosen={chosen} open={open} />
      )}
      {open && (
        <div class="ticket-actions">
          <button class="button primary large" disabled={chosen.value === "" || busy.value} onClick={close}>
            {who === undefined && agent.value?.state === "wrap_up" ? t("close_and_ready") : t("close_ticket")}
          </button>
          <button class="button large" disabled={busy.value} onClick={() => void finish(() => keepTicket(id))}>
            {t("keep_pending")}
          </button>
        </div>
      )}
    </section>
  );
}

interface Choice {
  chosen: Signal<string>;
  open: boolean;
}

function Dispositions({ chosen, open }: Choice) {
  const all = session.value!.dispositions;
  return (
    <>
      <p class="disposition-label">
        {t("disposition")} {open && <kbd>Alt 1–{all.length}</kbd>}
      </p>
      <div class="dispositions" role="radiogroup" aria-label={t("disposition")}>
        {all.map((disposition, index) => (
          <button
            key={disposition}
            role="radio"
            aria-checked={chosen.value === disposition}
            class="disposition"
            disabled={!open}
            onClick={() => (chosen.value = disposition)}
          >
            {word("disposition", disposition)} {open && <span class="disposition-number">{index + 1}</span>}
          </button>
        ))}
      </div>
    </>
  );
}

/** The same in one line, for the ticket of a former call. */
function DispositionList({ chosen, open }: Choice) {
  return (
    <select
      class="disposition-list"
      aria-label={t("disposition")}
      disabled={!open}
      value={chosen.value}
      onChange={(event) => (chosen.value = event.currentTarget.value)}
    >
      <option value="">{t("disposition")}…</option>
      {session.value!.dispositions.map((disposition) => (
        <option key={disposition} value={disposition}>
          {word("disposition", disposition)}
        </option>
      ))}
    </select>
  );
}

/** Where the ticket will be, until it is there. */
export function TicketToCome() {
  return (
    <section class="panel ticket-panel waiting">
      <h2>
        <Icon name="ticket" /> {t("ticket")}
      </h2>
      <p class="nothing">{phase.value === "ringing" ? t("ticket_soon") : t("ticket_opening")}</p>
    </section>
  );
}
