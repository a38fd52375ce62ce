import { promisify } from "node:util";
import { owner } from "./cell.js";
import type { RequireCell } from "./globals.js";

type Schedule = (callback: (...args: unknown[]) => void, ...rest: unknown[]) => object;

/**
 * Makes timers end with their cell when it is interrupted: callbacks that wait are dropped, and setting a new timer
 * throws. A loop that sleeps between its steps thereby stops, even when it ignores `kernel.signal`.
 */
export function guardTimers(requireCell: RequireCell): void {
  const guard = (schedule: Schedule): Schedule => {
    const guarded: Schedule = (callback, ...rest) => {
      requireCell();
      const cell = owner.getStore();
      if (!cell) return schedule(callback, ...rest);
      const timer = schedule(
        (...args) => {
          if (cell.gone) (clearInterval as (timer: object) => void)(timer);
          else callback(...args);
        },
        ...rest,
      );
      return timer;
    };
    return Object.assign(guarded, { [promisify.custom]: Reflect.get(schedule, promisify.custom) });
  };
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const)
    Object.assign(globalThis, { [name]: guard(globalThis[name] as Schedule) });
}
