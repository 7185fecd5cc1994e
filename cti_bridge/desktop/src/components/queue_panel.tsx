import { clock, secondsBetween } from "../format";
import { t } from "../i18n";
import { now, queues } from "../store";
import { Icon } from "./icons";
import { queueTitle } from "./pop_card";

export function QueuePanel() {
  return (
    <section class="panel">
      <h2>
        <Icon name="line" /> {t("queues")}
      </h2>
      {queues.value.map((queue) => (
        <div class={queue.waiting > 0 ? "queue busy" : "queue"} key={queue.name} data-queue={queue.name}>
          <span class="queue-number">{queue.waiting}</span>
          <div class="queue-words">
            <span class="queue-title">{queueTitle(queue.name)}</span>
            <span class="muted">
              {queue.oldest === null
                ? t("nobody_waits")
                : `${t("waiting")} · ${t("longest")} ${clock(secondsBetween(queue.oldest, now.value))}`}
            </span>
          </div>
          <span class="queue-free" title={t("agents_free")}>
            <Icon name="person" size={15} /> {queue.agents_available}/{queue.agents_logged_in}
          </span>
        </div>
      ))}
    </section>
  );
}
