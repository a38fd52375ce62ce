import katexPlugin from "@vscode/markdown-it-katex";
import katex from "katex";
import MarkdownIt from "markdown-it";
import { highlight } from "./highlight.js";

/** A heading of a page: where a link to it goes and what the link says, as HTML. */
export interface Heading {
  level: number;
  id: string;
  html: string;
}

// Installed as CommonJS with a `default` export; Node hands over the whole module.
const equations = "default" in katexPlugin ? (katexPlugin.default as typeof katexPlugin) : katexPlugin;

/** Markdown as JupyterLab shows it: tables, HTML such as `<details>`, equations between `$` and `$$`, coloured code. */
export class MarkdownPage {
  readonly headings: Heading[] = [];
  readonly #markdown: MarkdownIt;
  readonly #ids = new Map<string, number>();

  constructor() {
    this.#markdown = new MarkdownIt({ html: true, linkify: false, typographer: false, highlight }).use(
      equations,
      {
        ...{
          throwOnError: false,
          enableBareBlocks: true,
          enableMathBlockInHtml: true,
          enableMathInlineInHtml: true,
        },
        katex,
      },
    );
    const { rules } = this.#markdown.renderer;
    rules.table_open = () => '<div class="scroll"><table>';
    rules.table_close = () => "</table></div>";
    rules.heading_open = (tokens, index) => {
      const { tag } = tokens[index] ?? { tag: "h2" };
      const content = tokens[index + 1];
      const id = this.#uniqueId(content?.content ?? "");
      const html = this.#markdown.renderer.renderInline(content?.children ?? [], this.#markdown.options, {});
      this.headings.push({ level: Number(tag.slice(1)), id, html });
      return `<${tag} id="${id}">`;
    };
  }

  render(source: string): string {
    return this.#markdown.render(source);
  }

  #uniqueId(text: string): string {
    const slug =
      text
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number}]+/gu, "-")
        .replace(/^-|-$/g, "") || "section";
    const seen = this.#ids.get(slug) ?? 0;
    this.#ids.set(slug, seen + 1);
    return seen === 0 ? slug : `${slug}-${seen + 1}`;
  }
}

/** One equation, for outputs of type `text/latex`. */
export function equation(latex: string): string {
  const inner = latex.trim().replace(/^\$+|\$+$/g, "");
  return katex.renderToString(inner, { displayMode: true, throwOnError: false });
}
