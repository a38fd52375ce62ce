import { type ChatMessage, ChatTemplateError, type Render } from "./template.js";

/** Where a message and its content lie in the rendered text: half-open ranges of UTF-16 code units. */
export interface MessageRange {
  start: number;
  end: number;
  contentStart: number;
  contentEnd: number;
}

/**
 * Renders a conversation and finds every message in it.
 *
 * The same conversation is rendered once more with a marker that occurs nowhere else in place of each content.
 * What stands between the markers is what the template itself wrote; the real text must be those pieces with
 * the contents between them, so repeated contents, or contents that look like template, cannot mislead.
 *
 * @throws {ChatTemplateError} when the template rewrites contents by more than trimming them
 */
export function renderWithRanges(
  render: Render,
  messages: readonly ChatMessage[],
  addGenerationPrompt: boolean,
): { text: string; ranges: MessageRange[] } {
  const text = render(messages, addGenerationPrompt);
  const markers = markersFor(messages);
  const marked = messages.map((message, i) => ({ ...message, content: markers[i] as string }));
  const pieces = splitAtMarkers(render(marked, addGenerationPrompt), markers);
  const contents = contentsIn(text, pieces, messages);

  // Where the template's text after message i ends: the text of the first i + 1 messages alone.
  const ends = messages.map((_, i) => pieceLengthAfter(render, marked.slice(0, i + 1), markers, pieces, i));
  const ranges: MessageRange[] = [];
  let position = 0;
  for (const [i, content] of contents.entries()) {
    const piece = pieces[i] as string;
    const start = i === 0 ? headStart(render, marked, markers, piece) : position + (ends[i - 1] as number);
    const contentStart = position + piece.length;
    position = contentStart + content.length;
    ranges.push({ start, contentStart, contentEnd: position, end: position + (ends[i] as number) });
  }
  return { text, ranges };
}

/** One string for each message that occurs in no message: private-use characters, which no template looks for. */
function markersFor(messages: readonly ChatMessage[]): string[] {
  const everything = messages.map(({ content }) => content).join("");
  let salt = 0;
  while (everything.includes(`\uE000${salt}:`)) salt++;
  return messages.map((_, i) => `\uE000${salt}:${i}\uE001`);
}

function splitAtMarkers(rendered: string, markers: readonly string[]): string[] {
  const pieces: string[] = [];
  let rest = rendered;
  for (const [i, marker] of markers.entries()) {
    const parts = rest.split(marker);
    if (parts.length !== 2) throw rewritten(i, `writes the content ${parts.length - 1} times`);
    pieces.push(parts[0] as string);
    rest = parts[1] as string;
  }
  return [...pieces, rest];
}

/** The contents as they stand in the text: as they are, or trimmed. */
function contentsIn(text: string, pieces: readonly string[], messages: readonly ChatMessage[]): string[] {
  const written = [(content: string) => content, (content: string) => content.trim()];
  for (const write of written) {
    const contents = messages.map(({ content }) => write(content));
    const whole = pieces.map((piece, i) => piece + (contents[i] ?? "")).join("");
    if (whole === text) return contents;
  }
  throw rewritten(0, "changes what messages say, depending on what they say");
}

/** How much of the template's text between message `last` and the next belongs to message `last`. */
function pieceLengthAfter(
  render: Render,
  marked: readonly ChatMessage[],
  markers: readonly string[],
  pieces: readonly string[],
  last: number,
): number {
  const alone = splitAtMarkers(render(marked), markers.slice(0, last + 1));
  const tail = alone[last + 1] as string;
  const sameBefore = alone.slice(0, last + 1).every((piece, i) => piece === pieces[i]);
  if (sameBefore && (pieces[last + 1] as string).startsWith(tail)) return tail.length;
  throw rewritten(last, "writes a message differently when another one follows");
}

/**
 * Where the first message starts: after a BOS token or a default system prompt, which belong to no message.
 * A second message of the same role shows what the template writes before a content.
 */
function headStart(
  render: Render,
  marked: readonly ChatMessage[],
  markers: readonly string[],
  piece: string,
): number {
  const [first] = marked;
  const [marker] = markers;
  if (!first || !marker) return 0;
  try {
    const once = render([first]);
    const twice = render([first, first]);
    const second = twice.startsWith(once) ? twice.slice(once.length) : "";
    const head = second.slice(0, Math.max(0, second.indexOf(marker)));
    return piece.endsWith(head) && head ? piece.length - head.length : 0;
  } catch {
    return 0; // The template refuses two messages of one role in a row.
  }
}

const rewritten = (message: number, what: string): ChatTemplateError =>
  new ChatTemplateError(`cannot find message ${message} in the rendered chat: the template ${what}`, {
    code: "tokenizer/message-not-found",
    value: message,
    hint: "Use a template that writes each message's content once and unchanged, such as `chatMl`.",
  });
