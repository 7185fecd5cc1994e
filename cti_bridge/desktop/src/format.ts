// Times and names, as people read them.

import { locale } from "./i18n";

/** 75 → 1:15, 3675 → 1:01:15 */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

export function secondsBetween(from: string, to: string | number): number {
  const end = typeof to === "number" ? to : Date.parse(to);
  return (end - Date.parse(from)) / 1000;
}

export function day(time: string): string {
  return new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric" }).format(new Date(time));
}

export function money({ amount, currency }: { amount: string; currency: string }): string {
  return new Intl.NumberFormat(locale(), { style: "currency", currency }).format(Number(amount));
}

export function hour(time: string): string {
  const form = { hour: "2-digit", minute: "2-digit", hour12: false } as const;
  return new Intl.DateTimeFormat(locale(), form).format(new Date(time));
}

export function dayOrHour(time: string, now: number): string {
  return new Date(time).toDateString() === new Date(now).toDateString() ? hour(time) : day(time);
}

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([locale()], { type: "language" }).of(tag.split("-")[0]!) ?? tag;
  } catch {
    return tag;
  }
}

/** What stands in the round picture: 王 for 王芳, EC for Emma Clark. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u);
  const first = (text: string | undefined) => [...(text ?? "")][0] ?? "";
  return words.length > 1 ? (first(words[0]) + first(words.at(-1))).toUpperCase() : first(words[0]);
}
