import { useEffect } from "preact/hooks";
import { clock, day, money, initials, languageName, secondsBetween } from "../format";
import { language, locale, t, word } from "../i18n";
import { attempt, drawn, hangUp, now, phase, pop, queues } from "../store";
import type { FormerContact, Order, ScreenPop, Ticket } from "../types";
import { Icon, type IconName } from "./icons";

function titled(titles: Record<string, string>, otherwise: string): string {
  return titles[locale()] ?? Object.values(titles)[0] ?? otherwise;
}

export function queueTitle(name: string | null): string {
  if (name === null) return "";
  return titled(queues.value.find((queue) => queue.name === name)?.title ?? {}, name);
}

/** The agent greets in the brand's name: it is read first. */
export function brandTitle(shown: ScreenPop): string {
  return titled(shown.brand_title, "");
}

export function TierBadge({ tier }: { tier: string }) {
  return <span class={`tier tier-${tier}`}>{word("tier", tier)}</span>;
}

export function PopCard() {
  const shown = pop.value!;
  useEffect(() => {
    // After the next frame the card is really on the screen; a hidden tab has no frames, and must not hold up the ring.
    const tell = () => drawn(shown.offer_id);
    if (document.hidden) tell();
    else requestAnimationFrame(() => requestAnimationFrame(tell));
  }, [shown.offer_id]);

  return (
    <article class={`pop pop-${shown.tier} phase-${phase.value}`} data-call={shown.contact_id}>
      <Head shown={shown} />
      <Journey shown={shown} />
      <div class="pop-body">
        <div class="pop-column">
          <Orders shown={shown} />
          {shown.customer !== null && <About shown={shown} />}
        </div>
        <div class="pop-column">
          <OpenTickets tickets={shown.tickets} />
          <Contacts contacts={shown.contacts} />
        </div>
      </div>
    </article>
  );
}

function Head({ shown }: { shown: ScreenPop }) {
  const name = shown.customer?.name ?? t("stranger");
  return (
    <header class="pop-head">
      <div class={`avatar avatar-${shown.tier}`}>
        {shown.customer === null ? <Icon name="person" size={30} /> : initials(name)}
      </div>
      <div class="pop-who">
        <h1 class="pop-name">{name}</h1>
        <p class="pop-facts">
          {brandTitle(shown) !== "" && <span class="brand">{brandTitle(shown)}</span>}
          <TierBadge tier={shown.tier} />
          <span class="pop-phone">{shown.phone || t("withheld")}</span>
          {shown.language !== null && (
            <span class="fact">
              <Icon name="globe" size={15} /> {languageName(shown.language)}
            </span>
          )}
          <span class="fact">
            <Icon name="line" size={15} /> {queueTitle(shown.queue)}
          </span>
          <span class="fact" data-testid="waited">
            <Icon name="clock" size={15} /> {t("waited")} {clock(shown.waited_s)}
          </span>
        </p>
      </div>
      <CallState shown={shown} />
    </header>
  );
}

function CallState({ shown }: { shown: ScreenPop }) {
  const at = phase.value!;
  const steps = ["ringing", "talking", "ended"] as const;
  const names = { ringing: t("step_ringing"), talking: t("step_talking"), ended: t("step_wrap_up") };
  const since = { ringing: shown.offered_at, talking: shown.answered_at, ended: shown.ended_at }[at]!;
  const seconds = secondsBetween(since, now.value);
  const left = shown.ring_timeout_s > 0 ? Math.max(0, 1 - seconds / shown.ring_timeout_s) : 0;
  return (
    <div class="call-state">
      <div class="call-now">
        {at === "ringing" && (
          <svg class="ring" viewBox="0 0 44 44" aria-hidden="true">
            <circle cx="22" cy="22" r="19" class="ring-ground" />
            <circle cx="22" cy="22" r="19" class="ring-left" stroke-dasharray={`${left * 119.4} 119.4`} />
            <g transform="translate(12 12)">
              <Icon name="phone" size={20} />
            </g>
          </svg>
        )}
        <span class="call-time">{clock(seconds)}</span>
        {at === "talking" && (
          <button class="button danger" onClick={() => void attempt(hangUp)}>
            <Icon name="hangup" /> {t("hang_up")}
          </button>
        )}
      </div>
      <ol class="steps" data-phase={at}>
        {steps.map((step) => (
          <li key={step} class={step === at ? "step now" : steps.indexOf(step) < steps.indexOf(at) ? "step done" : "step"}>
            {names[step]}
          </li>
        ))}
      </ol>
    </div>
  );
}

function Journey({ shown }: { shown: ScreenPop }) {
  const inputsAt = (node: string) => shown.inputs.filter((taken) => taken.node === node);
  const collected = Object.entries(shown.collected);
  return (
    <section class="journey" aria-label={t("journey")}>
      <ol class="trail">
        <li>
          <span class="trail-node">{t("entered")}</span>
          <span class="trail-note">{shown.number}</span>
        </li>
        {shown.path.map((node, index) => (
          <li key={index}>
            <span class="trail-node">{node}</span>
            {shown.path.indexOf(node) === index &&
              inputsAt(node).map((taken, number) => (
                <span class="trail-note" key={number} title={taken.kind === "speech" ? t("spoke") : t("pressed")}>
                  <Icon name={taken.kind === "speech" ? "mic" : "keypad"} size={13} />
                  {taken.kind === "speech" ? `“${taken.value}”` : taken.value}
                </span>
              ))}
          </li>
        ))}
        <li class="trail-end">
          <span class="trail-node">{queueTitle(shown.queue)}</span>
          <span class="trail-note">
            {t("waited")} {clock(shown.waited_s)}
          </span>
        </li>
      </ol>
      {collected.length > 0 && (
        <dl class="collected">
          {collected.map(([name, value]) => (
            <div key={name}>
              <dt>{word("key", name)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

function Section({ icon, title, count, children }: { icon: IconName; title: string; count?: number; children: preact.ComponentChildren }) {
  return (
    <section class="section">
      <h2>
        <Icon name={icon} size={16} /> {title}
        {count !== undefined && count > 0 && <span class="count">{count}</span>}
      </h2>
      {children}
    </section>
  );
}

function Orders({ shown }: { shown: ScreenPop }) {
  const meant = new Set(Object.values(shown.collected));
  const orders = [...shown.orders].sort((a, b) => Number(meant.has(b.number)) - Number(meant.has(a.number)));
  return (
    <Section icon="box" title={t("orders")} count={orders.length}>
      {orders.length === 0 && <p class="nothing">{t("no_orders")}</p>}
      {orders.slice(0, 4).map((order) => (
        <OrderRow key={order.number} order={order} meant={meant.has(order.number)} />
      ))}
    </Section>
  );
}

function OrderRow({ order, meant }: { order: Order; meant: boolean }) {
  const items = order.items.map((item) => (item.quantity > 1 ? `${item.name} × ${item.quantity}` : item.name));
  return (
    <div class={meant ? "order meant" : "order"}>
      <div class="order-line">
        <span class="order-number">{order.number}</span>
        {meant && <span class="chip">{t("this_order")}</span>}
        <span class="order-status">{language.value === "zh" ? order.status_zh : order.status}</span>
      </div>
      <div class="order-items">{items.join(language.value === "zh" ? "，" : ", ")}</div>
      <div class="order-line muted">
        <span>{[day(order.placed_at), order.carrier, order.eta && `${t("due")} ${day(order.eta)}`].filter(Boolean).join(" · ")}</span>
        <span class="order-total">{money(order.total)}</span>
      </div>
    </div>
  );
}

function About({ shown }: { shown: ScreenPop }) {
  const { note, preferences } = shown.customer!;
  const entries = Object.entries(preferences);
  if (note === "" && entries.length === 0) return null;
  return (
    <Section icon="person" title={t("note_on_customer")}>
      {note !== "" && <p class="about-note">{note}</p>}
      {entries.length > 0 && (
        <dl class="preferences">
          {entries.map(([name, value]) => (
            <div key={name}>
              <dt>{word("pref", name)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </Section>
  );
}

function OpenTickets({ tickets }: { tickets: Ticket[] }) {
  return (
    <Section icon="ticket" title={t("open_tickets")} count={tickets.length}>
      {tickets.length === 0 && <p class="nothing">{t("no_tickets")}</p>}
      {tickets.map((found) => (
        <div class="open-ticket" key={found.id}>
          <div class="order-line">
            <span class="open-subject">{found.subject}</span>
            <span class={`chip ticket-${found.state}`}>{word("state", found.state)}</span>
          </div>
          {found.note !== "" && <p class="open-note">{found.note}</p>}
          <span class="muted">
            #{found.id} · {day(found.created_at)}
          </span>
        </div>
      ))}
    </Section>
  );
}

function Contacts({ contacts }: { contacts: FormerContact[] }) {
  return (
    <Section icon="history" title={t("former_contacts")} count={contacts.length}>
      {contacts.length === 0 && <p class="nothing">{t("no_contacts")}</p>}
      <ol class="timeline">
        {contacts.slice(0, 5).map((contact) => (
          <li key={contact.contact_id}>
            <time>{day(contact.entered_at)}</time>
            <span class="timeline-what">{contact.subject ?? queueTitle(contact.queue)}</span>
            <span class="timeline-result">
              {contact.disposition !== null
                ? word("disposition", contact.disposition)
                : contact.outcome !== null && word("outcome", contact.outcome)}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}
