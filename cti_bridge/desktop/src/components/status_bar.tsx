import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { clock, secondsBetween } from "../format";
import { switchLanguage, t, word } from "../i18n";
import { agent, attempt, connected, logOut, now, session, setState } from "../store";
import { Icon, Mark } from "./icons";

export const pauseMenuOpen = { toggle: () => {} };

export function StatusBar() {
  return (
    <header class="bar">
      <div class="brand">
        <Mark />
        <strong>Switchroom</strong>
      </div>
      {agent.value !== null && <Presence />}
      <div class="bar-right">
        {!connected.value && (
          <span class="link-lost" role="status">
            <span class="spinner" /> {t("reconnecting")}
          </span>
        )}
        {agent.value !== null && <PhoneLight />}
        <button class="button ghost language" onClick={switchLanguage} title={t("language")}>
          <Icon name="globe" /> <span class="language-name">{t("language")}</span>
        </button>
        <span class="who">
          <span class="who-name">{agent.value?.name ?? session.value?.login}</span>
          {agent.value !== null && <span class="who-number">{agent.value.id}</span>}
        </span>
        <button class="button ghost icon-only" title={t("log_out")} aria-label={t("log_out")} onClick={() => void logOut()}>
          <Icon name="leave" />
        </button>
      </div>
    </header>
  );
}

function Presence() {
  const { state, reason, since, until } = agent.value!;
  const timed = state === "wrap_up" && until !== null;
  const seconds = timed ? -secondsBetween(until, now.value) : secondsBetween(since, now.value);
  const canReady = state !== "available" && state !== "reserved" && state !== "busy";
  return (
    <div class="presence">
      <div class={`state state-${state}`} role="status" data-state={state}>
        <span class="state-dot" />
        <span class="state-name">{word("state", state)}</span>
        {reason !== null && state === "paused" && <span class="state-reason">{word("reason", reason)}</span>}
        <span class="state-time">{clock(seconds)}</span>
        {timed && <span class="state-left">{t("until")}</span>}
      </div>
      {canReady && (
        <button class="button ready" onClick={() => void attempt(() => setState("available"))}>
          <Icon name="ready" /> {t("go_ready")} <kbd>Alt R</kbd>
        </button>
      )}
      {state !== "reserved" && state !== "busy" && <PauseMenu />}
    </div>
  );
}

function PauseMenu() {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  pauseMenuOpen.toggle = () => (open.value = !open.value);

  useEffect(() => {
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape") open.value = false;
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", escape);
    };
  }, []);

  return (
    <div class="menu-box" ref={box}>
      <button class="button" aria-haspopup="menu" aria-expanded={open.value} onClick={pauseMenuOpen.toggle}>
        <Icon name="pause" /> {t("go_pause")} <kbd>Alt P</kbd> <Icon name="down" size={14} />
      </button>
      {open.value && (
        <div class="menu" role="menu">
          {session.value!.pause_reasons.map((reason) => (
            <button
              key={reason}
              role="menuitem"
              onClick={() => {
                open.value = false;
                void attempt(() => setState("paused", reason));
              }}
            >
              {word("reason", reason)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function PhoneLight() {
  const on = agent.value!.phone_registered;
  return (
    <span class={`phone-light ${on ? "on" : "off"}`}>
      <Icon name="phone" size={16} /> {on ? t("phone_on") : t("phone_off")}
    </span>
  );
}
