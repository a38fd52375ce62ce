import { escapeHtml } from "../../display/escape.js";
import type { Notebook } from "../notebook.js";
import { renderCells } from "./cells.js";
import { MarkdownPage } from "./markdown.js";
import { styleSheet } from "./style.js";

/** A notebook as the book's table of contents sees it. */
export interface Chapter {
  /** Its file without extension, for example `02-sft`. */
  name: string;
  title: string;
  /** The first sentences, as Markdown. */
  lead: string;
  /** Whether the book has a page of it. */
  present: boolean;
}

const BOOK = "Posttrain";

/** An executed notebook as one HTML file that needs nothing beside it: style, fonts and pictures are inside. */
export function renderPage(
  notebook: Notebook,
  name: string,
  chapters: readonly Chapter[],
  note: string,
): string {
  const markdown = new MarkdownPage();
  const body = renderCells(notebook, markdown);
  const sections = markdown.headings.filter(({ level }) => level === 2);
  const contents = sections.map(({ id, html }) => `<li><a href="#${id}">${html}</a></li>`).join("");
  const here = chapters.findIndex((chapter) => chapter.name === name);
  const step = (chapter: Chapter | undefined, arrow: (title: string) => string) =>
    chapter?.present
      ? `<a href="${chapter.name}.html">${arrow(escapeHtml(chapter.title))}</a>`
      : "<span></span>";
  const before = step(chapters[here - 1], (title) => `← ${title}`);
  const after = step(chapters[here + 1], (title) => `${title} →`);
  return document({
    title: `${titleOf(notebook, name)} · ${BOOK}`,
    nav: navigation(chapters, name, contents),
    main: body,
    footer: `${before}<span>${escapeHtml(note)}</span>${after}`,
  });
}

/** The first page: what the chapters are about. */
export function renderIndex(chapters: readonly Chapter[]): string {
  const markdown = new MarkdownPage();
  const entries = chapters.map(({ name, title, lead, present }) => {
    const heading = present ? `<a href="${name}.html">${escapeHtml(title)}</a>` : escapeHtml(title);
    const note = present ? "" : '<p class="absent">Not executed yet.</p>';
    return `<li><h2>${heading}</h2>${markdown.render(lead)}${note}</li>`;
  });
  return document({
    title: BOOK,
    nav: navigation(chapters, "", ""),
    main: `<h1>${BOOK}: post-training of language models, step by step</h1><ol class="chapters">${entries.join("")}</ol>`,
    footer: "",
  });
}

/** The first heading of a notebook as plain text; its name when it has none. */
export function titleOf({ cells }: Notebook, name: string): string {
  for (const { cell_type, source } of cells) {
    const heading = cell_type === "markdown" && /^#\s+(.+)$/m.exec(source)?.[1];
    if (heading) return heading.replace(/[`*_]/g, "").trim();
  }
  return name;
}

/** The first paragraph after the title. */
export function leadOf({ cells }: Notebook): string {
  const first = cells.find(({ cell_type, source }) => cell_type === "markdown" && source.trim() !== "");
  const paragraphs = (first?.source ?? "").split(/\n\s*\n/).map((part) => part.replace(/^#.*\n?/, "").trim());
  return paragraphs.find((part) => part !== "" && !/^[#|<$>-]/.test(part)) ?? "";
}

function navigation(chapters: readonly Chapter[], current: string, contents: string): string {
  const entries = chapters.map(({ name, title, present }) => {
    if (!present) return `<li class="absent">${escapeHtml(title)}</li>`;
    if (name !== current) return `<li><a href="${name}.html">${escapeHtml(title)}</a></li>`;
    return `<li><span aria-current="page">${escapeHtml(title)}</span><ul>${contents}</ul></li>`;
  });
  return `<a class="book" href="index.html">${BOOK}</a><ol>${entries.join("")}</ol>`;
}

function document({ title, nav, main, footer }: Record<"title" | "nav" | "main" | "footer", string>): string {
  const style = styleSheet({ equations: `${nav}${main}`.includes('class="katex') });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<nav aria-label="Chapters">${nav}</nav>
<div class="page">
<main>${main}</main>
${footer && `<footer>${footer}</footer>`}
</div>
</body>
</html>
`;
}
