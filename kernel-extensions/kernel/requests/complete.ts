import type { CellCompiler } from "../compiler/cells.js";
import type { Content } from "../wire/message.js";
import { toCharacters, toUtf16 } from "./offsets.js";

/** Names that fit at the cursor, with their kinds for JupyterLab's icons. */
export function complete(
  compiler: CellCompiler,
  declarations: string,
  code: string,
  cursor: number,
): Content {
  const { start, end, candidates, original } = compiler.complete(declarations, code, toUtf16(code, cursor));
  const kinds = new Map(original?.entries.map(({ name, kind }) => [name, kind]));
  const [cursor_start, cursor_end] = [toCharacters(code, start), toCharacters(code, end)];
  const types = candidates.map((text) => ({
    text,
    type: kinds.get(text) ?? "",
    start: cursor_start,
    end: cursor_end,
  }));
  return {
    status: "ok",
    matches: candidates,
    cursor_start,
    cursor_end,
    metadata: { _jupyter_types_experimental: types },
  };
}
