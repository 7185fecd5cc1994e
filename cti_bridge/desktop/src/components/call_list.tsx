import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { clock, dayOrHour, secondsBetween } from "../format";
import { t, word } from "../i18n";
import { calls, now, pop } from "../store";
import type { Call } from "../types";
import { Icon } from "./icons";
import { queueTitle, TierBadge } from "./pop_card";

export function CallList({ most }: { most: number }) {
  const over = calls.value.filter((call) => call.ended_at !== null && call.contact_id !== pop.value?.contact_id);
  return (
    <section class="panel calls">
      <h2>
        <Icon name="history" /> {t("my_calls")}
      </h2>
      {over.length === 0 && <p class="nothing">{t("no_calls")}</p>}
      {over.slice(0, most).map((call) => (
        <Row key={call.contact_id} call={call} />
      ))}
    </section>
  );
}

function Row({ call }: { call: Call }) {
  const talked = call.answered_at !== null && call.ended_at !== null ? secondsBetween(call.answered_at, call.ended_at) : 0;
  const result = call.disposition ?? null;
  return (
    <div class="call-row">
      <time>{dayOrHour(call.entered_at, now.value)}</time>
      <span class="call-who">
        <span class="call-phone">{call.caller || t("withheld")}</span> <TierBadge tier={call.tier} />
      </span>
      <span class="call-queue muted">{queueTitle(call.queue)}</span>
      <span class="call-result">
        {result !== null ? word("disposition", result) : call.outcome !== null && word("outcome", call.outcome)}
      </span>
      <span class="call-talk muted">{clock(talked)}</span>
      {call.recording_id !== null ? <Player id={call.recording_id} /> : <span class="player-none" />}
    </div>
  );
}

function Player({ id }: { id: string }) {
  const audio = useRef<HTMLAudioElement>(null);
  const playing = useSignal(false);
  const done = useSignal(0);

  function toggle() {
    const element = audio.current!;
    if (element.paused) void element.play().catch(() => (playing.value = false));
    else element.pause();
  }

  return (
    <span class="player">
      <button
        class="player-button"
        aria-label={playing.value ? t("pause_audio") : t("play")}
        title={playing.value ? t("pause_audio") : t("play")}
        style={{ "--done": `${done.value * 360}deg` }}
        onClick={toggle}
      >
        <Icon name={playing.value ? "pause" : "play"} size={13} />
      </button>
      <audio
        ref={audio}
        preload="none"
        src={`/api/v1/recordings/${encodeURIComponent(id)}`}
        onPlay={() => (playing.value = true)}
        onPause={() => (playing.value = false)}
        onEnded={() => (done.value = 0)}
        onTimeUpdate={(event) => (done.value = event.currentTarget.currentTime / (event.currentTarget.duration || 1))}
      />
    </span>
  );
}
