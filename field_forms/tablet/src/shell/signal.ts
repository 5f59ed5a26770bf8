/** Something that changes and those who want to know. */

export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();

  constructor(private now: T) {}

  get value(): T {
    return this.now;
  }

  set(value: T): void {
    this.now = value;
    for (const each of [...this.listeners]) each(value);
  }

  /** Returns the way to stop listening. */
  listen(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
