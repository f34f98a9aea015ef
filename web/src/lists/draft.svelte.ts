// A list that is being added: what it is, what it would do, and the documents to store.
import { applyAll } from '../documents/changes';
import { newText, type StoredDocument } from '../documents/kinds';
import { setValue } from '../documents/yaml-text';
import { text } from '../strings';
import { preview, type CatalogEntry, type ListPreview } from './queries';
import { withList } from './use';

/** The most characters of entries in a document; larger lists are files or URLs. */
export const MAX_ENTRIES = 1_048_576;

const NAME = /[^a-z0-9.-]+/g;

/** A name for a document, from a URL or the name of a file. */
export function nameFrom(source: string): string {
  const last = source.replace(/[?#].*$/, '').replace(/\/+$/, '');
  const word = last.split('/').at(-1) ?? '';
  const name = word.replace(/\.(txt|list|hosts|csv)$/i, '').toLowerCase();
  return name
    .replace(NAME, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 63);
}

export class ListDraft {
  name = $state('');
  url = $state('');
  entries = $state('');
  kind = $state<'block' | 'allow'>('block');
  format = $state<string>('auto');
  policies = $state<string[]>([]);
  preview = $state.raw<ListPreview | null>(null);
  error = $state.raw<unknown>(null);
  /** Why a file was not taken. */
  notice = $state('');
  isLooking = $state(false);
  isAdding = $state(false);
  #isNamed = false;
  #isChosen = $state(false);
  #isAdded = $state(false);

  constructor(
    readonly isFile: boolean,
    readonly entry?: CatalogEntry,
  ) {
    if (entry) {
      this.name = entry.name;
      this.url = entry.url;
      this.#isNamed = true;
    }
  }

  /** Whether there is enough to look at. */
  get isGiven(): boolean {
    return Boolean(this.isFile ? this.entries.trim() : this.url.trim());
  }

  /** Whether a person has entered something that would be lost: what a catalog says comes again. */
  get isEntered(): boolean {
    if (this.#isAdded) return false;
    const isOther = this.url !== (this.entry?.url ?? '') || this.name !== (this.entry?.name ?? '');
    return isOther || this.entries !== '' || this.#isChosen;
  }

  /** The person has chosen a name; it is not made from the source any more. */
  rename(name: string): void {
    this.name = name;
    this.#isNamed = name !== '';
  }

  /** The policy to begin with: without one a list does nothing. */
  suggest(policy: string | undefined): void {
    if (policy !== undefined && !this.#isChosen) this.policies = [policy];
  }

  /** The person has chosen the policies. */
  choose(policies: string[]): void {
    this.policies = policies;
    this.#isChosen = true;
  }

  /** What is known has changed: the preview is of something else. */
  touch(source = this.url): void {
    this.preview = null;
    this.error = null;
    this.notice = '';
    if (!this.#isNamed) this.name = nameFrom(source);
  }

  /** Takes the text of a file. */
  async take(file: File): Promise<void> {
    if (file.size > MAX_ENTRIES) {
      this.notice = text.lists.adding.tooLarge;
      return;
    }
    this.entries = await file.text();
    this.touch(file.name);
  }

  /** Asks what the list would do. */
  async look(): Promise<void> {
    await this.#try('isLooking', async () => {
      const source = this.isFile ? { entries: this.entries } : { url: this.url.trim() };
      const format = this.format as 'auto';
      this.preview = await preview({ ...source, kind: this.kind, format });
    });
  }

  /** The text of the List document, which names the policies that files declare. */
  textFor(policies: string[]): string {
    let written = newText('List', this.name);
    const set = (key: string, value: string | string[] | undefined) =>
      (written = setValue(written, ['spec', key], value));
    set('kind', this.kind);
    set('urls', this.isFile ? undefined : [this.url.trim()]);
    if (this.isFile) set('entries', this.entries.replace(/\r\n?/g, '\n').replace(/\n*$/, '\n'));
    set('format', this.format === 'auto' ? undefined : this.format);
    if (policies.length) set('policies', policies);
    return written;
  }

  /** Stores the list, and the policies that shall use it, together; whether that worked. */
  async add(policies: StoredDocument[]): Promise<boolean> {
    return this.#try('isAdding', async () => {
      const chosen = policies.filter(({ name }) => this.policies.includes(name));
      const stored = chosen.filter(({ origin }) => origin === 'stored');
      const drafts = stored.map((one) => ({
        text: withList(one, this.name),
        version: one.version ?? 0,
      }));
      // No command changes what a file declares, so that the list names these policies.
      const declared = chosen.filter((one) => !stored.includes(one)).map(({ name }) => name);
      const list = { text: this.textFor(declared), version: 0 };
      await applyAll([list, ...drafts], text.lists.adding.message(this.name));
      this.#isAdded = true;
    });
  }

  async #try(flag: 'isLooking' | 'isAdding', work: () => Promise<void>): Promise<boolean> {
    this[flag] = true;
    this.error = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      this[flag] = false;
    }
  }
}
