// One document while it is edited: the text is the truth, and the form shows what it says.
import { apply, problemsOf, type DocumentProblem, type Result } from './changes';
import { Fresh } from './fresh.svelte';
import { newText, type Kind, type StoredDocument } from './kinds';
import { isNear, isWithin, showPath, type Path } from './path';
import { readYaml, setValue, textAt, type Value } from './yaml-text';
import { ProblemError } from '../api/problem';
import { text as words } from '../strings';

const PAUSE_MS = 500;
/** What the last check found. */
export type CheckState = 'unchanged' | 'checking' | 'right' | 'wrong' | 'unknown';

export class Editing {
  #given = $state<string>();
  #begun = $state('');
  /** The text as it is now. */
  text = $state('');
  /** The text and the version that the change is based on. */
  base = $state('');
  version = $state<number | null>(null);
  /** Errors of the last check. */
  problems = $state.raw<DocumentProblem[]>([]);
  /** A refusal that is about the whole document. */
  error = $state.raw<unknown>(null);
  /** What the last check says a change would do; null while it is not known. */
  result = $state.raw<Result | null>(null);
  state = $state<CheckState>('unchanged');
  /** Somebody else changed the document since: their version. */
  newer = $state.raw<StoredDocument | null>(null);
  readonly read = $derived(readYaml(this.text));
  readonly value = $derived(this.read.value);
  /** Whether there is something to apply: a new document has to be more than its beginning. */
  readonly isChanged = $derived(this.text !== this.base && this.text !== this.#begun);
  readonly name = $derived(this.#given ?? textAt(this.value, ['metadata', 'name']) ?? '');
  readonly #fresh = new Fresh();
  /** The errors that are said: those of places that nobody has filled in yet wait. */
  readonly said = $derived(
    this.problems.filter((one) => !this.#fresh.holds(one.elsewhere ? ['spec'] : one.path)),
  );
  /** Whether all that is wrong is what nobody has filled in yet. */
  readonly isUnfinished = $derived(this.problems.length > 0 && this.said.length === 0);
  #checked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: AbortController | undefined;

  constructor(readonly kind: Kind) {}

  /** Begins with a document; one that is being edited is kept. */
  open(document: StoredDocument): void {
    if (this.#given === document.name && this.isChanged && document.text !== this.text) {
      if (document.text !== this.base) this.newer = document;
      return;
    }
    this.#given = document.name;
    this.base = this.text = document.text;
    this.#begun = '';
    this.version = document.version ?? null;
    this.newer = null;
    this.#fresh.begin();
    this.#forget();
  }

  /** Begins a new document. */
  begin(text = newText(this.kind)): void {
    this.#given = undefined;
    this.base = '';
    this.version = null;
    this.text = this.#begun = text;
    this.#fresh.begin([]);
    this.#forget();
  }

  /** Adds a part at a path; what is wrong with it is said once it was touched. */
  add(path: Path, value: Value): void {
    this.#fresh.add(path);
    this.set(path, value);
  }

  /** A person was at the field of this path. */
  touch = (path: Path): void => this.#fresh.touch(path);

  /** All errors are said from now on. */
  reveal(): void {
    this.#fresh.begin();
  }

  /** Takes a text that was typed: who writes the YAML sees every error in it. */
  write(text: string): void {
    if (text === this.text) return;
    this.reveal();
    this.text = text;
  }

  /** Takes the version that somebody else has made; one's own text stays and is compared to it. */
  rebase(): void {
    if (!this.newer) return;
    this.base = this.newer.text;
    this.version = this.newer.version ?? null;
    this.newer = null;
    this.#forget();
    this.checkSoon();
  }

  /** Takes all changes back. */
  reset(): void {
    this.text = this.base;
    this.#forget();
  }

  /** Changes the value at a path; the rest of the text stays as it is. */
  set(path: Path, value: Value): void {
    this.change(path, (text) => setValue(text, path, value));
  }

  /** Changes the text at a path; errors there wait for the next check. A refusal is said. */
  change(path: Path, make: (text: string) => string): void {
    let made: string;
    try {
      made = make(this.text);
      this.error = null;
    } catch {
      return void (this.error = new Error(words.documents.onlyAsYaml(showPath(path))));
    }
    if (made === this.text) return;
    [this.text, this.#checked] = [made, ''];
    this.problems = this.problems.filter((one) => one.elsewhere || !isNear(one.path, path));
  }

  /** The errors at a place and below it. */
  problemsAt(path: Path): DocumentProblem[] {
    return this.said.filter((one) => !one.elsewhere && isWithin(one.path, path));
  }

  /** Checks the text when the person pauses; call it in an effect that reads the text. */
  checkSoon(): () => void {
    const text = this.text;
    clearTimeout(this.#timer);
    this.#running?.abort();
    if (!this.isChanged) this.#forget();
    else if (text !== this.#checked) {
      this.state = 'checking';
      this.result = null;
      this.#timer = setTimeout(() => void this.check(), PAUSE_MS);
    }
    return () => clearTimeout(this.#timer);
  }

  /** Asks the API whether the text is right. */
  async check(): Promise<void> {
    const running = (this.#running = new AbortController());
    const { kind, name, text, version } = this;
    this.state = 'checking';
    try {
      const change = { kind, name: name || 'unnamed', text, version };
      const result = await apply(change, { isDryRun: true, signal: running.signal });
      if (running.signal.aborted) return;
      this.#took([], null);
      this.result = result;
      this.state = 'right';
    } catch (error) {
      if (running.signal.aborted) return;
      this.#took(problemsOf(error, `${kind}/${name}`), error);
      this.state = error instanceof ProblemError ? 'wrong' : 'unknown';
    }
    this.#checked = text;
  }

  /** Stores the text. Throws what the API refuses. */
  async apply(message: string): Promise<Result> {
    const { kind, name, text, version } = this;
    try {
      const result = await apply({ kind, name, text, version }, { message });
      const effect = result.effects.find((one) => one.name === name);
      this.#given = name;
      this.base = text;
      this.version = effect?.version ?? version;
      this.#forget();
      return result;
    } catch (error) {
      this.#took(problemsOf(error, `${kind}/${name}`), error);
      this.state = 'wrong';
      throw error;
    }
  }

  #took(problems: DocumentProblem[], error: unknown): void {
    this.problems = problems;
    this.error = problems.length ? null : error;
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#running?.abort();
    this.#took([], null);
    this.result = null;
    this.#checked = '';
    this.state = 'unchanged';
  }
}
