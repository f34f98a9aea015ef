// Keeps the places of things. A new view is ordered by the worker; after that, what is new is added
// and everything else stays where it is.
import { untrack } from 'svelte';

import { columnsOf } from './columns';
import { extended, type OrderTask } from './order-task';
import { place, type Places } from './place';
import { routesOf, type Route } from './route';
import { shapeOf } from './scene';
import type { Scene } from './types';
import workerUrl from './layout.worker.ts?worker&url';

const MAX_STRETCH = 1.9;

/** Where everything is. */
export interface Arrangement {
  places: Places;
  routes: ReadonlyMap<string, Route>;
  /** Of which view it is: the picture is fitted anew when it changes. */
  key: string;
  area: Size;
  stretch: number;
}

interface Size {
  width: number;
  height: number;
}

/** Follows the scene. `key` names the view: another one is laid out anew. */
export function arranged(
  scene: () => Scene | undefined,
  key: () => string,
  area: () => Size,
): { readonly current: Arrangement | undefined } {
  let current = $state.raw<Arrangement>();
  let order = $state.raw<{ key: string; ids: readonly string[] }>({ key: '', ids: [] });
  const orders = new Orders();
  const shape = $derived.by(() => {
    const given = scene();
    return given && shapeOf(given);
  });

  $effect(() => () => orders.end());
  $effect(() => {
    const name = key();
    if (shape === undefined || untrack(() => order.key) === name) return;
    const given = untrack(scene);
    if (!given) return;
    void orders.ask(taskOf(given)).then((ids) => {
      if (untrack(key) === name) order = { key: name, ids };
    });
  });
  $effect(() => {
    const size = area();
    if (shape === undefined || order.key === '' || order.key !== key()) return;
    const given = untrack(scene);
    if (!given) return;
    const before = untrack(() => current);
    current = arrange(given, order, size, before?.key === order.key ? before : undefined);
  });

  return {
    get current() {
      return current;
    },
  };
}

function arrange(
  scene: Scene,
  order: { key: string; ids: readonly string[] },
  area: Size,
  before: Arrangement | undefined,
): Arrangement {
  const columns = columnsOf(scene.nodes, scene.links);
  const ids = extended(order.ids, [...columns.keys()]);
  const plain = place(scene, columns, ids);
  const isSameShape = before?.places.columns.length === plain.columns.length;
  const tops = isSameShape ? before.places.columns.map((one) => one.top) : undefined;
  const isSameArea = before?.area.width === area.width && before.area.height === area.height;
  const stretch = isSameArea ? before.stretch : stretchFor(plain, area);
  const places = place(scene, columns, ids, { tops, stretch });
  const routes = new Map(routesOf(scene.links, places).map((one) => [one.id, one]));
  return { places, routes, key: order.key, area, stretch };
}

/** Wider distances where the picture would leave the sides of its area empty. */
function stretchFor(places: Places, { width, height }: Size): number {
  if (places.columns.length < 2 || width === 0 || height === 0) return 1;
  const zoom = Math.min(1.15, height / places.height);
  const free = width / zoom - places.width;
  const columns = places.columns;
  const between = columns.slice(1).reduce((sum, one, at) => {
    return sum + one.left - (columns[at]?.right ?? 0);
  }, 0);
  return Math.min(MAX_STRETCH, Math.max(1, 1 + (free * 0.9) / between));
}

function taskOf(scene: Scene): OrderTask {
  const columns = columnsOf(scene.nodes, scene.links);
  const nodes = [...scene.nodes].sort((a, b) =>
    a.group < b.group ? -1 : a.group > b.group ? 1 : a.label < b.label ? -1 : 1,
  );
  return {
    nodes: nodes.map(({ id, group }) => ({ id, group, column: columns.get(id) ?? 0 })),
    links: scene.links.map(({ source, target }) => ({ source, target })),
  };
}

/** Asks the worker; where there is none, the order is that of groups and names. */
class Orders {
  #worker: Worker | undefined;
  #number = 0;

  ask(task: OrderTask): Promise<string[]> {
    this.end();
    const worker = new Worker(trusted(workerUrl), { type: 'module' });
    this.#worker = worker;
    const number = (this.#number += 1);
    return new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<{ number: number; order: string[] }>) => {
        if (data.number === number) resolve(data.order);
        worker.terminate();
      };
      worker.onerror = () => resolve(task.nodes.map((one) => one.id));
      worker.postMessage({ number, task });
    });
  }

  end(): void {
    this.#worker?.terminate();
  }
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): string;
  };
}

/** As the content security policy wants it: only our own file becomes a worker. */
function trusted(url: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  policy ??= types?.createPolicy('keyhole-worker', { createScriptURL: (one) => one });
  return policy?.createScriptURL(url) ?? url;
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;
