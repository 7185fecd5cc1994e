import { useSignal } from "@preact/signals";
import { Problem } from "../api";
import { switchLanguage, t } from "../i18n";
import { logIn } from "../store";
import { Icon, Mark } from "./icons";

function said(problem: unknown): string {
  if (!(problem instanceof Problem) || problem.status === 0) return t("offline");
  if (problem.status === 401) return t("wrong_password");
  if (problem.status === 409) return t("desk_taken");
  if (problem.status === 422) return t("desk_unknown");
  return problem.status === 429 ? t("too_many") : problem.message;
}

/** A computer mostly stands beside the same phone: what was chosen here last is offered again. */
const DESK = "switchroom.desk";

export function Login() {
  const busy = useSignal(false);
  const error = useSignal("");

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    error.value = "";
    try {
      const desk = String(form.get("desk")).trim();
      await logIn(String(form.get("login")), String(form.get("password")), desk);
      localStorage.setItem(DESK, desk);
    } catch (problem) {
      error.value = said(problem);
    } finally {
      busy.value = false;
    }
  }

  return (
    <main class="login">
      <form class="login-card" onSubmit={submit}>
        <div class="login-brand">
          <Mark size={44} />
          <div>
            <h1>Switchroom</h1>
            <p>{t("subtitle")}</p>
          </div>
        </div>
        <label>
          {t("login")}
          <input name="login" autocomplete="username" required autofocus spellcheck={false} />
        </label>
        <label>
          {t("password")}
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <label>
          {t("desk")}
          <input name="desk" inputmode="tel" autocomplete="off" maxLength={20} defaultValue={localStorage.getItem(DESK) ?? ""} />
        </label>
        <p class="login-error" role="alert">
          {error}
        </p>
        <button class="button primary large" disabled={busy.value}>
          {t("log_in")}
        </button>
        <button type="button" class="button ghost login-language" onClick={switchLanguage}>
          <Icon name="globe" /> {t("language")}
        </button>
      </form>
    </main>
  );
}
