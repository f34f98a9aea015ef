// One import: the text, what it would do, and then what it has done.
import { api, read, type Schemas } from '../../api/client';
import { ProblemError } from '../../api/problem';
import { changed } from '../../documents/changes';
import type { StoredDocument } from '../../documents/kinds';
import { partsOf, without, withVersions, type Part, type Versioned } from './stream';

type Result = Schemas['ApplyResult'];

/** What the import would do with one document. */
export interface Effect {
  label: string;
  what: Schemas['DocumentEffect']['what'];
  before: string;
  after: string;
}

export class Importing {
  text = $state('');
  /** The name of the file, for messages. */
  file = $state('');
  message = $state('');
  isBusy = $state(false);
  /** Whether the documents are being applied: the text stays as it is until then. */
  isApplying = $state(false);
  error = $state.raw<unknown>(null);
  /** What a check has found; undefined while the text has not been checked. */
  effects = $state.raw<Effect[]>();
  advice = $state.raw<string[]>([]);
  /** Documents that a file of this Keyhole declares: these are left out. */
  leftOut = $state.raw<Part[]>([]);
  done = $state.raw<Result>();
  /** What the effects are about, with the versions that they were compared with. */
  #checked?: Versioned;
  /** Counts the texts: an answer for an earlier one is not shown. */
  #generation = 0;

  /** The single errors, each with its line. */
  get problems(): Schemas['ProblemItem'][] {
    return this.error instanceof ProblemError ? this.error.problem.problems : [];
  }

  /** Whether there is a text that would be lost: it was not applied. */
  get isHeld(): boolean {
    return this.text.trim() !== '' && this.done === undefined;
  }

  /** The text has changed: what was checked does not count any more. */
  touch(): void {
    this.#generation += 1;
    this.#checked = undefined;
    this.isBusy = false;
    this.error = null;
    this.effects = undefined;
    this.leftOut = [];
    this.advice = [];
    this.done = undefined;
  }

  /** Takes the text of a file, unless another text comes in the meantime. */
  async take(file: File): Promise<void> {
    if (this.isApplying) return;
    this.touch();
    const own = this.#generation;
    const text = await file.text();
    if (own !== this.#generation) return;
    this.text = text;
    this.file = file.name;
    this.touch();
  }

  /** Takes a text that does not come from a file of documents. */
  fill(text: string, file: string): void {
    if (this.isApplying) return;
    this.text = text;
    this.file = file;
    this.touch();
  }

  /** Says what the import would do to the documents that `load` gives. Nothing changes. */
  async check(load: () => Promise<StoredDocument[]>): Promise<void> {
    if (this.isApplying) return;
    this.touch();
    const text = this.text;
    await this.#work(async (isLate) => {
      const known = await load();
      if (isLate()) return;
      const declared = new Set(known.filter((one) => one.origin === 'declared').map(labelOf));
      const parts = partsOf(text);
      const leftOut = parts.filter(({ label }) => declared.has(label));
      const kept = parts.filter((one) => !leftOut.includes(one));
      const sent = without(text, leftOut);
      if (leftOut.length > 0 && kept.length === 0) {
        this.leftOut = leftOut;
        this.effects = [];
        return;
      }
      const result = await this.#send(sent, true);
      if (isLate()) return;
      const now = new Map(known.map((one) => [labelOf(one), one]));
      const next = new Map(kept.map(({ label, text }) => [label, text]));
      this.#checked = withVersions(sent, kept, (label) => now.get(label)?.version ?? 0);
      this.leftOut = leftOut;
      this.advice = result.advice;
      this.effects = result.effects.map(({ kind, name, what }) => {
        const label = `${kind}/${name}`;
        return { label, what, before: now.get(label)?.text ?? '', after: next.get(label) ?? '' };
      });
    });
  }

  /** Applies what was checked and is shown, all or nothing. */
  async apply(): Promise<void> {
    const checked = this.#checked;
    if (!checked || this.isApplying) return;
    this.isApplying = true;
    try {
      await this.#work(async () => {
        this.done = await this.#send(checked.text, false);
        await changed();
      }, checked.lineOf);
    } finally {
      this.isApplying = false;
    }
  }

  #send(text: string, is_dry_run: boolean): Promise<Result> {
    const body = {
      text,
      file: this.#name,
      overwrite: false,
      message: this.message.trim() || null,
      is_dry_run,
    };
    return read(api.POST('/api/v1/documents', { body }));
  }

  get #name(): string {
    return this.file || 'import';
  }

  async #work(
    work: (isLate: () => boolean) => Promise<void>,
    lineOf = (line: number) => line,
  ): Promise<void> {
    const own = this.#generation;
    const isLate = () => own !== this.#generation;
    this.isBusy = true;
    this.error = null;
    try {
      await work(isLate);
    } catch (refused) {
      if (!isLate()) this.error = inText(refused, this.#name, lineOf);
    } finally {
      if (!isLate()) this.isBusy = false;
    }
  }
}

const labelOf = ({ kind, name }: StoredDocument): string => `${kind}/${name}`;

/** The same refusal, with the lines of the text as the person has it. */
function inText(refused: unknown, file: string, lineOf: (line: number) => number): unknown {
  if (!(refused instanceof ProblemError)) return refused;
  const problems = refused.problem.problems.map((one) =>
    one.file === file && one.line ? { ...one, line: lineOf(one.line) } : one,
  );
  return new ProblemError({ ...refused.problem, problems });
}
