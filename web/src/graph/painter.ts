// Draws the dots of moving traffic on one canvas: at most thirty times a second, and not at all
// where nothing moves or nobody looks.
import { eachDot, thinning, VERDICTS, type Flow, type Verdict } from './traffic';
import { speedOf } from './traffic';

const FRAME_MS = 1000 / 30;
const MAX_STEP_MS = 100;

export interface Viewport {
  x: number;
  y: number;
  zoom: number;
}

/** What it draws; each may be replaced at any time. */
export interface Picture {
  flows: readonly Flow[];
  viewport: Viewport;
  /** In pixels of CSS. */
  width: number;
  height: number;
  colors: Record<Verdict, string>;
}

export class Painter {
  /** Frames drawn so far. */
  frames = 0;
  #picture: Picture | undefined;
  #runs = new Map<string, number>();
  #share = 1;
  #timer = 0;
  #last = 0;
  #isMoving = false;

  constructor(readonly canvas: HTMLCanvasElement) {}

  /** Shows this from now on. */
  show(picture: Picture): void {
    this.#picture = picture;
    this.#share = thinning(picture.flows);
    const scale = Math.min(2, devicePixelRatio);
    const [width, height] = [picture.width * scale, picture.height * scale].map(Math.round);
    if (this.canvas.width !== width) this.canvas.width = width ?? 0;
    if (this.canvas.height !== height) this.canvas.height = height ?? 0;
    if (this.#isMoving && picture.flows.length > 0) this.#next();
    else this.#draw();
  }

  /** Whether dots move. Without that they stand still, and are drawn when something changes. */
  move(isMoving: boolean): void {
    this.#isMoving = isMoving;
    this.#last = 0;
    if (isMoving) this.#next();
    else this.stop();
  }

  stop(): void {
    cancelAnimationFrame(this.#timer);
    this.#timer = 0;
  }

  #next(): void {
    this.#timer ||= requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now: number): void {
    this.#timer = 0;
    if (!this.#isMoving || !this.#picture || this.#picture.flows.length === 0) return;
    const passed = now - this.#last;
    if (passed >= FRAME_MS - 4) {
      this.#advance(Math.min(passed, MAX_STEP_MS) / 1000);
      this.#last = now;
      this.#draw();
    }
    this.#next();
  }

  #advance(seconds: number): void {
    const before = this.#runs;
    this.#runs = new Map();
    for (const { route, rate } of this.#picture?.flows ?? []) {
      this.#runs.set(route.id, (before.get(route.id) ?? 0) + speedOf(rate) * seconds);
    }
  }

  #draw(): void {
    const context = this.canvas.getContext('2d');
    if (!context || !this.#picture) return;
    const { flows, viewport, width, colors } = this.#picture;
    const scale = width > 0 ? this.canvas.width / width : 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const zoom = viewport.zoom * scale;
    context.setTransform(zoom, 0, 0, zoom, viewport.x * scale, viewport.y * scale);
    const radius = Math.min(3.4, Math.max(2.4, 2.4 / viewport.zoom));
    const paths = new Map<Verdict, Path2D>(VERDICTS.map((one) => [one, new Path2D()]));
    for (const flow of flows) {
      eachDot(flow, this.#runs.get(flow.route.id) ?? 0, this.#share, (x, y, verdict) => {
        const path = paths.get(verdict);
        path?.moveTo(x + radius, y);
        path?.arc(x, y, radius, 0, 2 * Math.PI);
      });
    }
    for (const [verdict, path] of paths) {
      context.fillStyle = colors[verdict];
      context.fill(path);
    }
    this.frames += 1;
  }
}
