import { randomUUID } from "node:crypto";
import { clearTimeout, setTimeout } from "node:timers";
import { type MimeBundle, toBundle, withPicture } from "../../display/bundle.js";
import type { Content } from "../wire/message.js";

/** Where outputs go: the wire, with the cell's request as parent. */
export interface OutputSink {
  publish(type: string, content: Content): void;
  write(stream: "stdout" | "stderr", text: string): void;
}

/** A live display is redrawn at most this often. */
const REDRAW_MS = 100;

/** A display that has been updated since it was first shown. */
interface LiveDisplay {
  /** The newest value, without a static picture. */
  bundle: Promise<MimeBundle>;
  drawnAt: number;
  /** What was drawn last. */
  drawn: MimeBundle | undefined;
  redraw: NodeJS.Timeout | undefined;
}

/**
 * The outputs of one cell, in the order in which the cell made them, although some take time to render.
 * While nothing is being rendered nothing waits: text leaves at once, even from a loop that never yields.
 */
export class Outputs {
  readonly #live = new Map<string, LiveDisplay>();
  #rendering: Promise<void> | undefined;
  #settled = false;

  constructor(
    readonly sink: OutputSink,
    readonly describeError: (error: unknown) => string,
  ) {}

  write(stream: "stdout" | "stderr", text: string): void {
    this.#inOrder(() => this.sink.write(stream, text));
  }

  publish(type: string, content: Content): void {
    this.#inOrder(() => this.sink.publish(type, content));
  }

  /** Shows `value` and returns the id of its display. */
  display(
    value: unknown,
    { id = randomUUID(), metadata = {} }: { id?: string; metadata?: Content } = {},
  ): string {
    this.#render(toBundle(value), (data) => displayed("display_data", id, data, metadata));
    return id;
  }

  /** Shows a bundle that is ready, at once. */
  show(data: MimeBundle, id: string, update: boolean): void {
    const [type, content] = displayed(update ? "update_display_data" : "display_data", id, data);
    this.publish(type, content);
  }

  /** Shows `value` in the display `id`; of a rapid series only some, the last one always. */
  update(id: string, value: unknown): void {
    const bundle = toBundle(value, { picture: this.#settled });
    bundle.catch(() => {}); // reported when it is drawn; a value that is never drawn is nobody's error
    const live = this.#live.get(id) ?? { bundle, drawnAt: 0, drawn: undefined, redraw: undefined };
    live.bundle = bundle;
    this.#live.set(id, live);
    const wait = live.drawnAt + REDRAW_MS - performance.now();
    if (wait <= 0) this.#draw(id, live);
    else live.redraw ??= setTimeout(() => this.#draw(id, live), wait);
  }

  /** Resolves when everything has been shown; displays that were live get their static picture. */
  async settle(): Promise<void> {
    for (const [id, live] of this.#live) {
      clearTimeout(live.redraw);
      this.#after(async () => {
        const data = await withPicture(await live.bundle);
        if (data !== live.drawn) this.sink.publish(...displayed("update_display_data", id, data));
      });
    }
    this.#live.clear();
    this.#settled = true;
    while (this.#rendering) await this.#rendering;
  }

  #draw(id: string, live: LiveDisplay): void {
    clearTimeout(live.redraw);
    live.redraw = undefined;
    live.drawnAt = performance.now();
    this.#render(live.bundle, (data) => {
      live.drawn = data;
      return displayed("update_display_data", id, data);
    });
  }

  #render(
    bundle: Promise<MimeBundle>,
    message: (data: MimeBundle) => [type: string, content: Content],
  ): void {
    bundle.catch(() => {});
    this.#after(async () => this.sink.publish(...message(await bundle)));
  }

  #inOrder(job: () => void): void {
    if (this.#rendering) this.#after(job);
    else job();
  }

  #after(job: () => void | Promise<void>): void {
    const rendering = (this.#rendering ?? Promise.resolve())
      .then(job)
      .catch((error) => this.sink.write("stderr", `${this.describeError(error)}\n`))
      .then(() => {
        if (this.#rendering === rendering) this.#rendering = undefined;
      });
    this.#rendering = rendering;
  }
}

function displayed(type: string, id: string, data: MimeBundle, metadata: Content = {}): [string, Content] {
  return [type, { data, metadata, transient: { display_id: id } }];
}
