// What the page of the graph shows at a moment: from data, address and replay to nodes and lines.
import { text } from '../strings';
import type { View } from './address';
import { arranged, type Arrangement } from './arrange.svelte';
import { graphData, type GraphData } from './data.svelte';
import { chooseFolds, type Folds } from './fold';
import { lookOf, type LinkLook, type Moment } from './look';
import type { NodeLook } from './nodes';
import { framesOf, ofLink, ofNode, type Frame, type StepCounts } from './replay';
import { sceneOf } from './scene';
import type { GraphNode, Link, Scene } from './types';
import type { Size } from './viewport';
import type { Spot } from './walk';

export class GraphModel {
  readonly data: GraphData;
  /** The step of the replay; -1 for the whole time. */
  at = $state(-1);
  /** Where the keyboard is. */
  spot = $state.raw<Spot>();

  readonly #view: () => View;
  readonly #arranged: { readonly current: Arrangement | undefined };
  #folds: { key: string; folds: Folds } = { key: '', folds: new Map() };

  constructor(view: () => View, area: () => Size) {
    this.#view = view;
    this.data = graphData(view, () => this.at >= 0);
    this.#arranged = arranged(
      () => this.scene,
      () => this.#key,
      area,
    );
  }

  /** Another one is another picture: it is laid out and fitted anew. */
  get #key(): string {
    const { range, filters, unfolded } = this.#view();
    return JSON.stringify([range, filters, unfolded]);
  }

  readonly scene: Scene | undefined = $derived.by(() => {
    const { graph, quiet } = this.data;
    if (!graph) return undefined;
    const key = this.#key;
    const before = this.#folds.key === key ? this.#folds.folds : undefined;
    const folds = chooseFolds(graph.nodes, new Set(this.#view().unfolded), before);
    this.#folds = { key, folds };
    return sceneOf(graph, quiet, folds, text.graph.others);
  });

  /** All nodes, those that are folded as well. */
  readonly nodes: ReadonlyMap<string, GraphNode> = $derived.by(() => {
    const all = [...(this.data.graph?.nodes ?? []), ...(this.scene?.nodes ?? [])];
    return new Map(all.map((one) => [one.id, one]));
  });

  readonly labels: ReadonlyMap<string, string> = $derived.by(
    () => new Map([...this.nodes.values()].map((one) => [one.id, one.label])),
  );

  readonly frames: readonly Frame[] = $derived.by(() => {
    const { graph } = this.data;
    return graph ? framesOf(graph) : [];
  });

  readonly moment: Moment | null = $derived.by(() => {
    const frame = this.frames[this.at];
    if (!frame || !this.scene) return null;
    const folds = this.#folds.folds;
    const counts = new Map<string, StepCounts>(
      this.scene.links.map((one) => [one.id, ofLink(one, frame, folds)]),
    );
    return { counts, seconds: Math.max(1, (frame.end - frame.start) / 1000) };
  });

  get arrangement(): Arrangement | undefined {
    return this.#arranged.current;
  }

  readonly linkLooks: readonly LinkLook[] = $derived.by(() => {
    const current = this.spot?.kind === 'link' ? this.spot.id : undefined;
    const { edge, node } = this.#view();
    return (this.scene?.links ?? []).map((one) =>
      lookOf(one, this.labels, { edge, node, current }, this.moment),
    );
  });

  readonly nodeLooks: readonly NodeLook[] = $derived.by(() => {
    const scene = this.scene;
    if (!scene) return [];
    const first = this.spot ?? { kind: 'node' as const, id: scene.nodes[0]?.id ?? '' };
    const chosen = this.#view().node;
    return scene.nodes.map((node) => {
      const shared = {
        node,
        isChosen: chosen === node.id,
        isCurrent: first.kind === 'node' && first.id === node.id,
      };
      if (!this.moment) {
        const rate = node.isQuiet ? 0 : node.traffic.rate;
        const outcomes = node.traffic.by_outcome;
        return { ...shared, rate, outcomes, isFaint: node.isQuiet === true };
      }
      const { queries, errors, blocked } = ofNode(node, scene, this.moment.counts);
      const outcomes = { answered: queries - errors - blocked, blocked, failed: errors };
      return { ...shared, rate: queries / this.moment.seconds, outcomes, isFaint: queries === 0 };
    });
  });

  /** The line that the address names: by its own ID, or that of an edge that is part of it. */
  readonly chosenLink: Link | undefined = $derived.by(() => {
    const id = this.#view().edge;
    if (id === undefined) return undefined;
    return this.scene?.links.find((one) => one.id === id || one.seen?.id === id);
  });
}
