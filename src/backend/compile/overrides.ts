/** Methods replaced for a while. The replaced one is handed over, bound to its object. */
export class Overrides {
  readonly #undo: (() => void)[] = [];

  /** Puts `make(stock)` in the place of `target[name]`, until `restore`. */
  replace<Target extends object, Name extends keyof Target>(
    target: Target,
    name: Name,
    make: (stock: Target[Name]) => Target[Name],
  ): void {
    const own = Object.getOwnPropertyDescriptor(target, name);
    const value = make(target[name]);
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
    this.#undo.push(() => {
      if (own) Object.defineProperty(target, name, own);
      else delete (target as Partial<Target>)[name];
    });
  }

  restore(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}
