// What a person chooses in a first run, and what came of its check.
import type { Schemas } from '../api/client';
import { applyAll, type Draft, type Result } from '../documents/changes';
import type { StoredDocument } from '../documents/kinds';
import { text } from '../strings';
import { namesIn } from './own-names';
import { propose, type CatalogEntry, type Choice, type Proposal } from './propose';

/** A proposal, and what came of it or would come of it. */
export interface Outcome {
  proposal: Proposal;
  result: Result;
  isDryRun: boolean;
}

/** How drafts are applied or checked. */
export type Send = (drafts: Draft[], message: string, isDryRun: boolean) => Promise<Result>;

export class Plan {
  upstreams = $state<string[]>([]);
  lists = $state<string[]>([]);
  own = $state('');
  networks = $state('127.0.0.0/8, ::1/128');
  /** What upstreams answered when they were tested, by name. */
  tests = $state<Record<string, Schemas['UpstreamTest']>>({});
  outcome = $state.raw<Outcome | null>(null);
  error = $state.raw<unknown>(null);
  busy = $state<'' | 'check' | 'apply'>('');
  /** Whether something was applied since the page was opened. */
  isFinished = $state(false);
  /** Grows with each change of the choices: an answer for others says nothing of these. */
  #generation = 0;
  /** The names that a person had entered for what was checked last, and for what was applied. */
  #checkedOwn = '';
  #appliedOwn = $state('');
  readonly #send: Send;

  constructor(send: Send = applyAll) {
    this.#send = send;
  }

  /** Whether a person has entered names that are not applied. */
  get isEntered(): boolean {
    const own = this.own.trim();
    return own !== '' && own !== this.#appliedOwn.trim();
  }

  /** Forgets what was checked or applied: something else is planned now. */
  touch(): void {
    this.#generation += 1;
    this.outcome = null;
    this.error = null;
    if (this.busy === 'check') this.busy = '';
  }

  /** The choices as they are now. */
  get choice(): Choice {
    const { own, networks } = this;
    return { upstreams: [...this.upstreams], lists: [...this.lists], own, networks };
  }

  /** The first name that a person wants to block, to try it at the end. */
  get firstName(): string {
    return namesIn(this.own)[0] ?? '';
  }

  /** What was checked and can be applied. */
  get checked(): Proposal | undefined {
    return this.outcome?.isDryRun ? this.outcome.proposal : undefined;
  }

  /** Checks what the choices make. */
  async check(known: StoredDocument[], catalog: CatalogEntry[]): Promise<void> {
    if (this.busy) return;
    await this.#run(propose(this.choice, known, catalog), true);
  }

  /** Applies what was checked, and nothing else. */
  async apply(): Promise<void> {
    if (this.busy || !this.checked) return;
    await this.#run(this.checked, false);
  }

  async #run(proposal: Proposal, isDryRun: boolean): Promise<void> {
    const generation = this.#generation;
    const isCurrent = () => generation === this.#generation;
    const own = isDryRun ? this.own : this.#checkedOwn;
    this.busy = isDryRun ? 'check' : 'apply';
    this.error = null;
    try {
      const drafts = proposal.documents.map(({ text, version }) => ({ text, version }));
      const result = await this.#send(drafts, text.start.message, isDryRun);
      if (!isDryRun) {
        this.isFinished = true;
        this.#appliedOwn = own;
      }
      if (isCurrent()) {
        this.#checkedOwn = own;
        this.outcome = { proposal, result, isDryRun };
      }
    } catch (refused) {
      if (isCurrent()) {
        this.error = refused;
        this.outcome = null;
      }
    } finally {
      // A check of later choices may be under way meanwhile.
      if (isCurrent() || !isDryRun) this.busy = '';
    }
  }
}
