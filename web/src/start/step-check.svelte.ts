// The check of one step: what its choices alone would store, and whether its upstreams answer.
import { api, read, type Schemas } from '../api/client';
import { applyAll, type Result } from '../documents/changes';
import type { StoredDocument } from '../documents/kinds';
import { text } from '../strings';
import type { Plan, Send } from './plan.svelte';
import { propose, type CatalogEntry, type Choice, type Planned } from './propose';

export type Part = 'upstreams' | 'lists' | 'networks';
type UpstreamTest = Schemas['UpstreamTest'];

/** Asks one upstream. */
export type Ask = (name: string) => Promise<UpstreamTest>;

/** What a check of one step has found. */
export interface Found {
  /** For which choices. */
  key: string;
  result: Result | null;
  /** Upstreams that were asked, and those that gave no answer. */
  asked: number;
  silent: string[];
}

const ask: Ask = (name) =>
  read(api.POST('/api/v1/upstreams/{name}/test', { params: { path: { name } } }));

/** The documents that a step alone would store. */
export function documentsOf(
  part: Part,
  choice: Choice,
  known: StoredDocument[],
  catalog: CatalogEntry[],
): Planned[] {
  const alone = part === 'networks' ? { ...choice, upstreams: [], lists: [], own: '' } : choice;
  const kind = { upstreams: 'Upstream', lists: 'List', networks: 'Policy' }[part];
  return propose(alone, known, catalog).documents.filter((one) => one.kind === kind);
}

export class StepCheck {
  isBusy = $state(false);
  error = $state.raw<unknown>(null);
  #found = $state.raw<Found | null>(null);
  #failed = $state.raw('');
  readonly #plan: Plan;
  readonly #part: Part;
  readonly #send: Send;
  readonly #ask: Ask;

  constructor(plan: Plan, part: Part, send: Send = applyAll, test: Ask = ask) {
    this.#plan = plan;
    this.#part = part;
    this.#send = send;
    this.#ask = test;
  }

  /** What was found for the choices as they are now. */
  get found(): Found | null {
    return this.#found?.key === this.#key ? this.#found : null;
  }

  /** Why these choices could not be checked, or are wrong. */
  get refused(): unknown {
    return this.#failed === this.#key ? this.error : null;
  }

  /** Checks the choices of the step. Nothing is stored. */
  async run(known: StoredDocument[], catalog: CatalogEntry[], there: string[]): Promise<void> {
    if (this.isBusy) return;
    const key = this.#key;
    this.isBusy = true;
    this.error = null;
    this.#found = null;
    try {
      const documents = documentsOf(this.#part, this.#plan.choice, known, catalog);
      const drafts = documents.map(({ text, version }) => ({ text, version }));
      const result = drafts.length ? await this.#send(drafts, text.start.message, true) : null;
      const asked = this.#part === 'upstreams' ? this.#chosen(there) : [];
      const silent = await this.#silent(asked);
      this.#found = { key, result, asked: asked.length, silent };
    } catch (refused) {
      this.error = refused;
      this.#failed = key;
    } finally {
      this.isBusy = false;
    }
  }

  /** The upstreams that would be asked, of those that can be asked now. */
  #chosen(there: string[]): string[] {
    const { upstreams } = this.#plan;
    return upstreams.length ? there.filter((name) => upstreams.includes(name)) : there;
  }

  async #silent(names: string[]): Promise<string[]> {
    const silent: string[] = [];
    for (const name of names) {
      const test = await this.#ask(name);
      this.#plan.tests[name] = test;
      if (!test.is_answered) silent.push(name);
    }
    return silent;
  }

  get #key(): string {
    const { upstreams, lists, own, networks } = this.#plan.choice;
    return JSON.stringify({ upstreams, lists: [lists, own], networks }[this.#part]);
  }
}
