// Line icons, 20 × 20, in the colour of the text around them.

import type { JSX } from "preact";

const PATHS = {
  phone: "M6.3 3.5 8 6.9 6.6 8.4c.9 2 2.6 3.7 4.9 4.9l1.6-1.4 3.4 1.7-.5 2.6c-.2.6-.7.9-1.3.8C8.6 16.4 3.6 11.4 3 5.3c-.1-.6.3-1.1.800-1.3z",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.2v11.6l9-5.8z",
  ready: "M4 10.5l4 4 8-9",
  person: "M10 10a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6zM3.8 17c.7-3 3.2-4.6 6.2-4.6s5.5 1.6 6.2 4.6",
  mic: "M10 3a2.2 2.2 0 0 1 2.2 2.2v4a2.2 2.2 0 0 1-4.4 0v-4A2.2 2.2 0 0 1 10 3zM5.5 9.5a4.5 4.5 0 0 0 9 0M10 14v3",
  keypad: "M5 5h.01M10 5h.01M15 5h.01M5 10h.01M10 10h.01M15 10h.01M5 15h.01M10 15h.01M15 15h.01",
  box: "M3.5 6.5 10 3l6.5 3.5v7L10 17l-6.5-3.5zM3.5 6.5 10 10l6.5-3.5M10 10v7",
  history: "M3.5 10a6.5 6.5 0 1 0 2-4.7M3.5 3.5v3h3M10 6.5V10l2.5 1.6",
  ticket: "M3.5 6h13v2.6a1.6 1.6 0 0 0 0 2.8V14h-13v-2.6a1.6 1.6 0 0 0 0-2.8zM12 6v8",
  line: "M4 6h12M4 10h12M4 14h7",
  globe: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM3 10h14M10 3c2 2 2.8 4.5 2.8 7S12 15 10 17c-2-2-2.8-4.5-2.8-7S8 5 10 3z",
  leave: "M8 3.5H4.5v13H8M12 6.5 15.5 10 12 13.5M15 10H7.5",
  down: "M6 8l4 4 4-4",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4.2l2.8 1.6",
  note: "M5 3.5h10v13H5zM7.5 7h5M7.5 10h5M7.5 13h3",
  hangup: "M3 11.5c4.2-4 9.8-4 14 0l-1.8 2.3-3-1.3v-2a9 9 0 0 0-4.4 0v2l-3 1.3z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark({ size = 28 }: { size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <path d="M9 11v5a7 7 0 0 0 14 0v5" class="mark-cord" />
      <circle cx="9" cy="9" r="3" class="mark-plug" />
      <circle cx="23" cy="23" r="3" class="mark-plug" />
    </svg>
  );
}
