import type { Cell, Notebook } from "../notebook.js";
import { highlight } from "./highlight.js";
import type { MarkdownPage } from "./markdown.js";
import { renderOutput } from "./outputs.js";

/** The cells of a notebook as HTML. Cells tagged `solution` hide behind a line that opens them. */
export function renderCells({ cells }: Notebook, markdown: MarkdownPage): string {
  const parts: string[] = [];
  let hidden: string[] = [];
  const closeSolution = () => {
    if (hidden.length > 0)
      parts.push(`<details class="solution"><summary>Solution</summary>\n${hidden.join("\n")}\n</details>`);
    hidden = [];
  };
  for (const cell of cells) {
    if (isSolution(cell)) hidden.push(renderCell(cell, markdown));
    else {
      closeSolution();
      parts.push(renderCell(cell, markdown));
    }
  }
  closeSolution();
  return parts.join("\n");
}

const isSolution = ({ metadata }: Cell): boolean =>
  Array.isArray(metadata.tags) && metadata.tags.includes("solution");

function renderCell(cell: Cell, markdown: MarkdownPage): string {
  if (cell.cell_type === "markdown") return `<section class="text">${markdown.render(cell.source)}</section>`;
  if (cell.cell_type === "raw" || (cell.source.trim() === "" && cell.outputs.length === 0)) return "";
  const source = `<pre class="source"><code>${highlight(cell.source, "typescript")}</code></pre>`;
  const outputs = cell.outputs.map((output) => renderOutput(output, markdown));
  return `<section class="code">${source}${outputs.join("\n")}</section>`;
}
