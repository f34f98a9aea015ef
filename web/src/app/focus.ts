// Who has the keys next when what had them vanishes: "Show more" after the last page, a row that was
// removed, a step that is done. Browsers give them to nobody, and readers of screens begin anew.

const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex]';
const WHOLE = 'main, [role="dialog"]';
/** A dialog or menu gives the keys back itself, a moment after it is gone. */
const WAIT_MS = 30;

/** Where something was: what stood around it may be gone meanwhile too. */
interface Place {
  parent: Node;
  before: Node | null;
  after: Node | null;
}

/** Follows the keys on the whole page; gives what ends that. */
export function keepFocus(): () => void {
  let last: HTMLElement | undefined;
  let path = '';
  /** The control before the one that was pressed: what a press shows comes next. */
  let mark: Element | undefined;

  const isNobody = () =>
    document.activeElement === null || document.activeElement === document.body;
  const onfocusin = (event: FocusEvent) => {
    last = event.target as HTMLElement;
    path = location.pathname;
    mark = undefined;
  };
  const onclick = ({ target }: MouseEvent) => {
    const pressed = (target as Element).closest(CONTROLS);
    mark = pressed ? controlBefore(pressed) : undefined;
  };
  // A person who presses on an empty place takes the keys away; a change of the page is seen first.
  const onfocusout = () =>
    setTimeout(() => {
      if (isNobody() && last?.isConnected && !last.matches(':disabled')) last = undefined;
    });
  const onpointerdown = () => {
    if (isNobody()) last = undefined;
  };

  function pass(lost: HTMLElement, place: Place) {
    if (last !== lost || !isNobody()) return;
    const isHere = location.pathname === path;
    const next = lost.isConnected ? lost : isHere ? heir(place, mark) : undefined;
    (next ?? document.getElementById('main'))?.focus({ preventScroll: next === undefined });
  }

  const observer = new MutationObserver((records) => {
    const lost = last;
    if (!lost || !isNobody()) return;
    const place = placeOf(lost, records);
    if (place) setTimeout(() => pass(lost, place), WAIT_MS);
    // What was busy can be pressed again.
    else if (lost.isConnected && !lost.matches(':disabled')) lost.focus({ preventScroll: true });
  });

  observer.observe(document.body, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ['disabled'],
  });
  document.addEventListener('focusin', onfocusin);
  document.addEventListener('focusout', onfocusout);
  document.addEventListener('pointerdown', onpointerdown, true);
  document.addEventListener('click', onclick, true);
  return () => {
    observer.disconnect();
    document.removeEventListener('focusin', onfocusin);
    document.removeEventListener('focusout', onfocusout);
    document.removeEventListener('pointerdown', onpointerdown, true);
    document.removeEventListener('click', onclick, true);
  };
}

/** Where it was before these changes; undefined if they did not take it away. */
function placeOf(lost: Node, records: readonly MutationRecord[]): Place | undefined {
  let place: Place | undefined;
  for (const { removedNodes, target, previousSibling, nextSibling } of records) {
    const seen = place?.parent ?? lost;
    if ([...removedNodes].some((one) => one.contains(seen)))
      place = { parent: target, before: previousSibling, after: nextSibling };
  }
  return place;
}

/** The next control after the mark or the place, else the last one; no further than dialog and main. */
function heir(place: Place, mark: Element | undefined): HTMLElement | undefined {
  const parent = elementOf(place.parent);
  const from = parent && mark?.isConnected && whole(parent)?.contains(mark) ? mark : undefined;
  for (let scope = parent; scope; scope = scope.parentElement) {
    if (scope === document.body || scope.id === 'app') return undefined;
    if (from && !scope.contains(from)) continue;
    const found = [...scope.querySelectorAll<HTMLElement>(CONTROLS)].filter(mayHave);
    const next = found.find((one) => (from ? isFollowing(from, one) : isBehind(place, one)));
    if (next ?? found.at(-1)) return next ?? found.at(-1);
    if (scope.matches(WHOLE)) return scope;
  }
  return undefined;
}

function controlBefore(pressed: Element): Element | undefined {
  const all = [...(whole(pressed)?.querySelectorAll(CONTROLS) ?? [])];
  return all[all.indexOf(pressed) - 1];
}

const whole = (one: Element): Element | null => one.closest(WHOLE);

const elementOf = (node: Node): HTMLElement | null =>
  node instanceof HTMLElement ? node : node.parentElement;

function mayHave(one: HTMLElement): boolean {
  if (one.tabIndex < 0 || one.matches(':disabled')) return false;
  if (one.closest('[inert], [hidden], [aria-hidden="true"]')) return false;
  return one.checkVisibility?.() ?? true;
}

function isBehind({ parent, before, after }: Place, one: Node): boolean {
  if (before?.isConnected) return isFollowing(before, one) && !before.contains(one);
  if (after?.isConnected) return after.contains(one) || isFollowing(after, one);
  return isFollowing(parent, one);
}

const isFollowing = (mark: Node, one: Node): boolean =>
  Boolean(mark.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
