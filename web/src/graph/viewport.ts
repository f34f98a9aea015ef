// Where the picture is seen from.
import type { Viewport } from './painter';
import type { Places } from './place';
import type { Rect } from './types';

export const MIN_ZOOM = 0.25;
export const MAX_ZOOM = 2;
const MAX_FIT = 1.15;
/** Below this nothing can be read: a larger picture is not shown whole at first. */
const MIN_FIT = 0.45;
const EDGE = 20;
const STEP = 1.25;

export interface Size {
  width: number;
  height: number;
}

/** What everything covers, with the lanes above. */
export function boundsOf(places: Places): Rect {
  const tops = places.columns.map((one) => one.top);
  const top = Math.min(0, ...tops) - (places.columns.length > 2 ? 34 : 0);
  return { x: 0, y: top, width: places.width, height: places.height - top };
}

/** The whole picture in the middle of the area; a very large one from its top. */
export function fitted(bounds: Rect, area: Size): Viewport {
  const wanted = Math.min(
    (area.width - 2 * EDGE) / Math.max(1, bounds.width),
    (area.height - 2 * EDGE) / Math.max(1, bounds.height),
  );
  const zoom = Math.min(MAX_FIT, Math.max(MIN_FIT, wanted));
  const x = (area.width - bounds.width * zoom) / 2;
  const y = (area.height - bounds.height * zoom) / 2;
  return {
    zoom,
    x: Math.max(x, EDGE) - bounds.x * zoom,
    y: Math.max(y, EDGE) - bounds.y * zoom,
  };
}

/** Nearer or farther, around the middle of the area. */
export function zoomed(from: Viewport, area: Size, direction: 1 | -1): Viewport {
  const factor = direction > 0 ? STEP : 1 / STEP;
  const zoom = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, from.zoom * factor));
  const [x, y] = [area.width / 2, area.height / 2];
  const change = zoom / from.zoom;
  return { zoom, x: x - (x - from.x) * change, y: y - (y - from.y) * change };
}

/** Moved as little as is needed to see a rectangle; `away` is covered at the right. */
export function revealed(from: Viewport, rect: Rect, area: Size, away = 0): Viewport {
  const { zoom } = from;
  const shift = (start: number, size: number, at: number, room: number): number => {
    const low = start * zoom + at;
    const high = low + size * zoom;
    if (low < EDGE) return EDGE - low;
    return high > room - EDGE ? room - EDGE - high : 0;
  };
  return {
    zoom,
    x: from.x + shift(rect.x, rect.width, from.x, area.width - away),
    y: from.y + shift(rect.y, rect.height, from.y, area.height),
  };
}

const isSame = (one: Viewport, other: Viewport): boolean =>
  Math.abs(one.x - other.x) < 1 &&
  Math.abs(one.y - other.y) < 1 &&
  Math.abs(one.zoom - other.zoom) < 0.01;

/** What a picture was fitted to last. */
export class Fit {
  #key = '';
  #area: Size = { width: 0, height: 0 };
  #view: Viewport | undefined;

  /**
   * Whether the picture is to be fitted: it is another one, or the area has another size and nobody
   * has moved it since. `view` is how it is seen now; none while somebody is at a place in it.
   */
  isDue(key: string, area: Size, view: Viewport | undefined): boolean {
    const isSized = area.width === this.#area.width && area.height === this.#area.height;
    const isMoved = !view || !this.#view || !isSame(view, this.#view);
    if (area.width === 0 || (key === this.#key && (isSized || isMoved))) return false;
    this.#key = key;
    this.#area = area;
    return true;
  }

  /** The whole picture in the middle of the area. */
  of(bounds: Rect, area: Size): Viewport {
    this.#view = fitted(bounds, area);
    return this.#view;
  }
}

/** The size of text in pixels at a zoom of 1, so that it can be read at this zoom. */
export const textSize = (zoom: number): number => Math.round(Math.min(17, Math.max(14, 12 / zoom)));
