/** A map that keeps the entries used last, and hands those that fall out to `evict`. */
export class RecentlyUsed<Value> {
  readonly #entries = new Map<string, Value>(); // in the order of their last use
  readonly #capacity: number;
  readonly #evict: (value: Value) => void;

  constructor(capacity: number, evict: (value: Value) => void) {
    this.#capacity = capacity;
    this.#evict = evict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: Value): void {
    this.#entries.set(key, value);
    for (const [oldest, forgotten] of this.#entries) {
      if (this.#entries.size <= this.#capacity) break;
      this.#entries.delete(oldest);
      this.#evict(forgotten);
    }
  }

  clear(): void {
    for (const value of this.#entries.values()) this.#evict(value);
    this.#entries.clear();
  }
}
