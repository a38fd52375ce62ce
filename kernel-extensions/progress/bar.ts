import { escapeHtml } from "../display/escape.js";
import { formatDuration, formatRate } from "./duration.js";

/** How far an iteration has come. */
export interface ProgressState {
  label: string | undefined;
  done: number;
  total: number | undefined;
  /** Seconds since the first item was asked for. */
  elapsed: number;
  status: "running" | "finished" | "stopped";
}

const WIDTH = 24;
const COLOURS = { running: "#0072b2", finished: "#8a8f98", stopped: "#d55e00" };

/** The bar as text and as HTML, styles inline so that it looks the same in a saved page. */
export function progressBundle(state: ProgressState): Record<string, string> {
  return { "text/plain": asText(state), "text/html": asHtml(state) };
}

function asText(state: ProgressState): string {
  const { label, total, status } = state;
  const full = Math.round(share(state) * WIDTH);
  const bar = total === undefined ? "" : `${"█".repeat(full)}${"░".repeat(WIDTH - full)}`;
  const mark = status === "finished" ? "✓" : status === "stopped" ? "stopped at" : "";
  return [label, bar, mark, describe(state)].filter(Boolean).join(" ");
}

function asHtml(state: ProgressState): string {
  const { label, total, status } = state;
  const colour = COLOURS[status];
  const fill = `width:${(share(state) * 100).toFixed(1)}%;height:100%;border-radius:3px;background:${colour}`;
  const track =
    "display:inline-block;width:180px;height:6px;border-radius:3px;background:rgba(127,127,127,.25);overflow:hidden";
  const bar =
    total === undefined ? "" : `<span style="${track}"><span style="display:block;${fill}"></span></span>`;
  const note = status === "stopped" ? `<span style="color:${colour}">stopped at</span>` : "";
  const mark = status === "finished" ? `<span style="color:${colour}">✓</span>` : note;
  const text = `<span style="opacity:.75">${escapeHtml(describe(state))}</span>`;
  const parts = [label && `<span>${escapeHtml(label)}</span>`, bar, mark, text].filter(Boolean);
  const row = "display:flex;align-items:center;gap:10px;font-size:13px;font-variant-numeric:tabular-nums";
  return `<div style="${row}">${parts.join("")}</div>`;
}

/** Counts and times: `37/100 · 12.5 / s · 3.0 s · 5.0 s left`. */
function describe({ done, total, elapsed, status }: ProgressState): string {
  const count = total === undefined ? `${done}` : `${done}/${total}`;
  const known = status === "running" && total !== undefined && done > 0 && done < total;
  const left = known ? `${formatDuration((elapsed / done) * (total - done))} left` : "";
  return [count, formatRate(done, elapsed), formatDuration(elapsed), left].filter(Boolean).join(" · ");
}

function share({ done, total, status }: ProgressState): number {
  if (status === "finished" && (total === undefined || total === 0)) return 1;
  return total ? Math.min(1, done / total) : 0;
}
