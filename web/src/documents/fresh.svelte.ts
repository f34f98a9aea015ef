// Places that nobody has filled in yet: what is wrong there is not said before.
import { isWithin, type Path } from './path';

/** A new document, or a new part of one: its errors wait until a field was touched, or all was
 * to be applied. */
export class Fresh {
  #roots = $state.raw<Path[]>([]);
  #touched = $state.raw<Path[]>([]);

  /** Something new is at this place; nothing at all of the document is new without one. */
  begin(...roots: Path[]): void {
    this.#roots = roots;
    this.#touched = [];
  }

  /** A part was added to the document. */
  add(root: Path): void {
    this.#roots = [...this.#roots, root];
  }

  /** A person was at the field of this place, or below it. */
  touch(path: Path): void {
    if (this.#roots.some((root) => isWithin(path, root))) {
      this.#touched = [...this.#touched, path];
    }
  }

  /** Whether an error at this place waits. */
  holds(path: Path): boolean {
    if (!this.#roots.some((root) => isWithin(path, root))) return false;
    // An error of the document as a whole, or of its spec, may go with the next field.
    const isWhole = path.length < 2;
    return !this.#touched.some((one) => isWithin(path, one) || (!isWhole && isWithin(one, path)));
  }
}
