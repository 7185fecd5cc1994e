import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t, word } from "../i18n";
import { agent, attempt, changeTicket, closeTicket, keepTicket, phase, session, ticket } from "../store";
import { Icon } from "./icons";

const SAVE_AFTER_MS = 800;

/** What the keyboard may do with the ticket, wherever the focus is. */
export const ticketKeys = { choose: (_: number) => {}, close: () => {}, note: () => {} };

export function TicketPanel() {
  const note = useSignal("");
  const chosen = useSignal("");
  const saving = useSignal<"saved" | "saving" | "unsaved">("saved");
  const field = useRef<HTMLTextAreaElement>(null);
  const timer = useRef(0);
  const id = ticket.value?.id;

  useEffect(() => {
    note.value = ticket.value?.note ?? "";
    chosen.value = ticket.value?.disposition ?? "";
    saving.value = "saved";
    return () => window.clearTimeout(timer.current);
  }, [id]);

  function write(text: string) {
    note.value = text;
    saving.value = "unsaved";
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void save(), SAVE_AFTER_MS);
  }

  async function save() {
    saving.value = "saving";
    saving.value = (await attempt(() => changeTicket({ note: note.value }))) ? "saved" : "unsaved";
  }

  async function finish(work: () => Promise<void>) {
    window.clearTimeout(timer.current);
    await attempt(work);
  }

  const open = ticket.value !== null && ticket.value.state !== "closed";
  const close = () => {
    if (open && chosen.value !== "") void finish(() => closeTicket(chosen.value, note.value));
  };
  ticketKeys.choose = (number) => {
    const word = session.value?.dispositions[number];
    if (open && word !== undefined) chosen.value = word;
  };
  ticketKeys.close = close;
  ticketKeys.note = () => field.current?.focus();

  if (ticket.value === null) {
    return (
      <section class="panel ticket-panel waiting">
        <h2>
          <Icon name="ticket" /> {t("ticket")}
        </h2>
        <p class="nothing">{phase.value === "ringing" ? t("ticket_soon") : t("ticket_opening")}</p>
      </section>
    );
  }
  const { subject, state } = ticket.value;
  return (
    <section class="panel ticket-panel" data-ticket={id}>
      <h2>
        <Icon name="ticket" /> {t("ticket")} #{id}
        <span class={`chip ticket-${state}`}>{word("state", state)}</span>
      </h2>
      <p class="ticket-subject">{subject}</p>
      <label class="note-label" for="note">
        {t("note")} {open && <span class={`save save-${saving.value}`}>{t(saving.value)}</span>}
      </label>
      <textarea
        id="note"
        ref={field}
        rows={5}
        disabled={!open}
        placeholder={t("note_hint")}
        value={note.value}
        onInput={(event) => write(event.currentTarget.value)}
      />
      <div class="dispositions" role="radiogroup" aria-label={t("disposition")}>
        {session.value!.dispositions.map((disposition, index) => (
          <button
            key={disposition}
            role="radio"
            aria-checked={chosen.value === disposition}
            class="disposition"
            disabled={!open}
            onClick={() => (chosen.value = disposition)}
          >
            {word("disposition", disposition)} {open && <kbd>{index + 1}</kbd>}
          </button>
        ))}
      </div>
      {open && (
        <div class="ticket-actions">
          <button class="button primary large" disabled={chosen.value === ""} onClick={close}>
            {agent.value?.state === "wrap_up" ? t("close_and_ready") : t("close_ticket")}
          </button>
          <button class="button large" onClick={() => void finish(() => keepTicket(note.value))}>
            {t("keep_pending")}
          </button>
        </div>
      )}
    </section>
  );
}
