import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The style of a page. Equations bring fonts of some 300 KB, so a page without them goes without. */
export function styleSheet({ equations }: { equations: boolean }): string {
  return equations ? `${katexStyle()}\n${PAGE}` : PAGE;
}

let katex: string | undefined;

/** KaTeX's own style sheet with its fonts inside. */
function katexStyle(): string {
  if (katex) return katex;
  const file = require.resolve("katex/dist/katex.min.css");
  katex = readFileSync(file, "utf8").replace(/src:url\((fonts\/[^)]+\.woff2)\)[^;}]*/g, (_, font: string) => {
    const data = readFileSync(join(dirname(file), font)).toString("base64");
    return `src:url(data:font/woff2;base64,${data}) format("woff2")`;
  });
  return katex;
}

const PAGE = `
:root { --ink: #222; --muted: #6b6b6b; --line: #e3e3e3; --ground: #f7f7f5; --accent: #0072b2; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: #fff; font: 17px/1.65 "Source Serif 4", Georgia, "Noto Serif", "Noto Serif CJK SC", "Songti SC", serif; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
h1, h2, h3, h4, nav, footer, summary, table, div.output { font-family: Inter, "Noto Sans", "Helvetica Neue", "Noto Sans CJK SC", "PingFang SC", system-ui, sans-serif; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 1.2rem; letter-spacing: -0.01em; }
h2 { font-size: 1.45rem; margin: 3rem 0 0.6rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.12rem; margin: 2rem 0 0.4rem; }
p, ul, ol, blockquote { margin: 0.7rem 0; }
blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid var(--accent); color: #444; }
nav { position: fixed; inset: 0 auto 0 0; width: 270px; overflow-y: auto; padding: 1.6rem 1.2rem; background: var(--ground); border-right: 1px solid var(--line); font-size: 0.85rem; line-height: 1.45; }
nav ol, nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: 0.5rem 0; } nav ul li { margin: 0.25rem 0 0.25rem 0.9rem; }
nav .book { display: block; font-weight: 700; font-size: 1.05rem; color: var(--ink); margin-bottom: 1rem; }
nav [aria-current] { font-weight: 650; color: var(--ink); }
nav .absent { color: #a5a5a5; }
.page { margin-left: 270px; padding: 3rem 2.5rem 4rem; } .page > * { max-width: 860px; margin: 0 auto; }
@media (max-width: 999px) { nav { position: static; width: auto; border-right: 0; border-bottom: 1px solid var(--line); } nav ul { display: none; } .page { margin-left: 0; padding: 2rem 1.2rem; } }
footer { margin-top: 5rem !important; padding-top: 1.5rem; border-top: 1px solid var(--line); display: flex; gap: 1rem; justify-content: space-between; flex-wrap: wrap; font-size: 0.85rem; color: var(--muted); }
code, pre { font-family: "JetBrains Mono", "Source Code Pro", ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace; font-size: 0.82rem; }
:not(pre) > code { background: #f2f2ef; padding: 0.1em 0.3em; border-radius: 3px; font-size: 0.85em; }
pre { margin: 0; line-height: 1.5; overflow-x: auto; tab-size: 2; }
.code { margin: 1.1rem 0; }
.text pre { background: #fafafa; padding: 0.7rem 0.9rem; border: 1px solid var(--line); border-radius: 6px; }
pre.source { background: var(--ground); padding: 0.75rem 0.95rem; border: 1px solid var(--line); border-left: 3px solid var(--accent); border-radius: 4px; }
.output { margin: 0.55rem 0 0.55rem 1rem; } div.output { font-size: 0.88rem; } .output p { margin: 0.35rem 0; }
pre.output, .output pre { white-space: pre-wrap; overflow-wrap: anywhere; color: #333; }
pre.stderr { background: #fff8e6; padding: 0.5rem 0.8rem; border-radius: 4px; }
pre.error { background: #fdecea; color: #7c1d12; padding: 0.7rem 0.9rem; border-left: 3px solid #c0392b; border-radius: 4px; }
.output img { max-width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.82rem; line-height: 1.4; margin: 0.8rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #bbb; } tbody tr:hover { background: #fafafa; }
details { border: 1px solid var(--line); border-radius: 6px; padding: 0.5rem 1rem; margin: 1rem 0; }
summary { cursor: pointer; font-size: 0.9rem; font-weight: 600; color: var(--accent); }
.katex-display { overflow-x: auto; overflow-y: hidden; padding: 0.3rem 0; }
.katex-display > .katex > .katex-html:has(> .tag) { display: flex; align-items: baseline; }
.katex-display > .katex > .katex-html:has(> .tag) > .base:first-child { margin-left: auto; }
.katex-display > .katex > .katex-html > .tag { position: static; margin-left: auto; padding-left: 1.5rem; }
.hljs-comment { color: #6a737d; font-style: italic; } .hljs-keyword, .hljs-literal, .hljs-type { color: #a626a4; }
.hljs-string, .hljs-regexp { color: #2f7d32; } .hljs-number { color: #9a6700; } .hljs-title, .hljs-title.function_ { color: #0b5cad; }
.hljs-built_in, .hljs-title.class_ { color: #a04000; } .hljs-attr, .hljs-property { color: #333; } .hljs-subst { color: inherit; }
.chapters { list-style: none; padding: 0; } .chapters li { padding: 1.1rem 0; border-top: 1px solid var(--line); }
.chapters h2 { border: 0; padding: 0; margin: 0; font-size: 1.15rem; } .chapters p { margin: 0.3rem 0 0; color: #444; } .chapters .absent { color: var(--muted); font-size: 0.85rem; }
@media print { nav { display: none; } .page { margin: 0; } }
`;
