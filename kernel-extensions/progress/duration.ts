/** Seconds as a person says them: `0.8 s`, `42 s`, `3 min 05 s`, `1 h 02 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** Items per second, or seconds per item when they are slow: `12.5 / s`, `3.2 s each`. */
export function formatRate(items: number, seconds: number): string {
  if (items === 0 || seconds === 0) return "";
  const rate = items / seconds;
  if (rate < 1) return `${formatDuration(1 / rate)} each`;
  return `${rate >= 100 ? Math.round(rate).toLocaleString("en-US") : rate.toFixed(1)} / s`;
}
