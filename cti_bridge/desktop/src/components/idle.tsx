import { clock, secondsBetween } from "../format";
import { t } from "../i18n";
import { agent, calls, now } from "../store";
import { CallList } from "./call_list";
import { Icon } from "./icons";

/** Who was paused by the system is told why. */
const PAUSED_HINTS: Record<string, "idle_gone_hint" | "idle_missed_hint"> = {
  desktop_gone: "idle_gone_hint",
  ring_no_answer: "idle_missed_hint",
};

export function Idle() {
  const state = agent.value!.state;
  const [title, hint] =
    state === "paused"
      ? [t("idle_paused"), t(PAUSED_HINTS[agent.value!.reason ?? ""] ?? "idle_paused_hint")]
      : state === "logged_out"
        ? [t("idle_logged_out"), t("idle_logged_out_hint")]
        : [t("idle_ready"), t("idle_ready_hint")];
  return (
    <div class="idle">
      <section class={`panel idle-hero idle-${state}`}>
        <div class="beacon">
          <span class="beacon-ring" />
          <Icon name={state === "paused" ? "pause" : "phone"} size={34} />
        </div>
        <h1>{title}</h1>
        <p>{hint}</p>
      </section>
      <Today />
      <CallList most={8} />
    </div>
  );
}

function Today() {
  const today = new Date(now.value).toDateString();
  const mine = calls.value.filter((call) => call.answered_at !== null && new Date(call.entered_at).toDateString() === today);
  const over = mine.filter((call) => call.ended_at !== null);
  const talked = over.reduce((sum, call) => sum + secondsBetween(call.answered_at!, call.ended_at!), 0);
  const facts: [string, string][] = [
    [t("today_calls"), String(mine.length)],
    [t("today_talk"), over.length > 0 ? clock(talked / over.length) : "–"],
    [t("today_closed"), String(mine.filter((call) => call.disposition !== null).length)],
  ];
  return (
    <section class="today">
      {facts.map(([name, value]) => (
        <div class="panel figure" key={name}>
          <span class="figure-value">{value}</span>
          <span class="figure-name">{name}</span>
        </div>
      ))}
    </section>
  );
}
