import { z } from "zod";

/** The content of an `execute_request`. */
export const executeRequest = z.object({
  code: z.string(),
  silent: z.boolean().default(false),
  store_history: z.boolean().default(true),
  user_expressions: z.record(z.string(), z.string()).default({}),
  stop_on_error: z.boolean().default(true),
});

export type ExecuteRequest = z.infer<typeof executeRequest>;

/** The name in a cell that reads `name?` or `object.name?`: its reader wants to know what that is. */
export function helpRequest(code: string): string | undefined {
  return /^\s*([\p{ID_Start}$_][\p{ID_Continue}$.]*)\s*\?\s*$/u.exec(code)?.[1];
}
