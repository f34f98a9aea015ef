// What a dialog does, and how that goes.

/** The attempts of one dialog. Once it was opened anew, an earlier answer changes nothing in it. */
export class Attempt {
  isBusy = $state(false);
  error = $state.raw<unknown>(null);
  #turn = 0;

  /** The dialog opens: what went before does not count any more. */
  begin(): void {
    this.#turn += 1;
    this.isBusy = false;
    this.error = null;
  }

  /** Does `work`, and `ondone` where the dialog still asks for the same. */
  async run(work: () => Promise<unknown>, ondone: () => void): Promise<void> {
    this.begin();
    const turn = this.#turn;
    this.isBusy = true;
    let error: unknown = null;
    try {
      await work();
    } catch (refused) {
      error = refused;
    }
    if (turn !== this.#turn) return;
    this.isBusy = false;
    this.error = error;
    if (error === null) ondone();
  }
}
