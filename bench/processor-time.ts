import { readFileSync } from "node:fs";
import { loadavg } from "node:os";

/** Processor time so far, in ticks of the system's clock, over all cores. */
export interface ProcessorTime {
  total: number;
  /** Idle, or waiting for a disk. */
  idle: number;
  /** Taken by other guests of the same machine. */
  stolen: number;
  /** Used by the processes asked about. */
  own: number;
}

/** How busy others kept the machine for a while. */
export interface Disturbance {
  /** Share of all processor time that went to processes that are not ours. */
  others: number;
  /** Share of all processor time that the host gave to other guests. */
  stolen: number;
  /** Processes that wanted to run, on average over the last minute. */
  load: number;
}

/** @returns undefined where the system does not tell (it does on Linux) */
export function processorTime(processes: readonly number[]): ProcessorTime | undefined {
  try {
    const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
    return { ...parseCpuLine(line), own: processes.reduce((sum, id) => sum + ticksOf(id), 0) };
  } catch {
    return undefined;
  }
}

/** Reads the line of `/proc/stat` that begins with `cpu`. */
export function parseCpuLine(line: string): Omit<ProcessorTime, "own"> {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, stolen = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { total: user + nice + system + idle + wait + irq + softIrq + stolen, idle: idle + wait, stolen };
}

export function disturbance(before: ProcessorTime, after: ProcessorTime): Disturbance {
  const total = after.total - before.total;
  const busy = total - (after.idle - before.idle);
  const stolen = after.stolen - before.stolen;
  const own = after.own - before.own;
  const share = (ticks: number): number => (total > 0 ? Math.max(0, ticks / total) : 0);
  return { others: share(busy - own - stolen), stolen: share(stolen), load: loadavg()[0] ?? 0 };
}

/** User and system time of a process: the 14th and 15th field, counted behind its name, which may hold spaces. */
function ticksOf(id: number): number {
  const stat = readFileSync(`/proc/${id}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
