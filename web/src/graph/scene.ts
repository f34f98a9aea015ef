// From the answer of the API to what the picture shows.
import { foldedEdges, foldedNodes, type Folds } from './fold';
import { drawn, linksOf, withoutSecondLook } from './links';
import { marked } from './remember';
import type { Graph, Scene } from './types';

/** What is shown of a graph, with its folds. */
export function sceneOf(
  graph: Graph,
  quiet: ReadonlySet<string>,
  folds: Folds,
  label: (count: number, group: string) => string,
): Scene {
  const nodes = foldedNodes(marked(graph.nodes, quiet), graph.groups, folds, label);
  const isFoldQuiet = new Set(nodes.filter((one) => one.isQuiet).map((one) => one.id));
  const edges = foldedEdges(graph.edges, folds);
  const all = new Set([...quiet, ...quietOf(edges, isFoldQuiet)]);
  const links = withoutSecondLook(linksOf(edges, all));
  return { nodes, groups: graph.groups, ...drawn(links) };
}

/** Edges of folds in which all is quiet. */
function quietOf(edges: Graph['edges'], nodes: ReadonlySet<string>): string[] {
  return edges.filter((one) => nodes.has(one.source)).map((one) => one.id);
}

/** What decides where things are: a layout is made anew when it changes. */
export function shapeOf(scene: Scene): string {
  const nodes = scene.nodes.map((one) => one.id).sort();
  const links = scene.links.map((one) => `${one.source}>${one.target}`).sort();
  return JSON.stringify([nodes, links]);
}
