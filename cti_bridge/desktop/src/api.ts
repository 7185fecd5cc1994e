// Talks to the server: JSON in, JSON out, problems (RFC 9457) as errors that can be shown.

let csrf = "";

/** A network that swallows everything must not keep a button waiting for ever. */
const DEADLINE_MS = 10_000;

export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** The token that the session gave; every change carries it. */
export function useCsrf(token: string | null): void {
  csrf = token ?? "";
}

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-CSRF-Token": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      // What is written on a ticket arrives even when the page is closed meanwhile.
      keepalive: method === "PATCH",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch {
    throw new Problem(0, "");
  }
  if (answer.status === 204) return undefined as T;
  const said = await answer.json().catch(() => null);
  if (answer.ok && said === null) throw new Problem(0, ""); // cut off in the middle
  if (!answer.ok) throw new Problem(answer.status, said?.detail ?? said?.title ?? answer.statusText);
  return said as T;
}
