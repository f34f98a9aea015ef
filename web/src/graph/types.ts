// The words of the API that this folder speaks, and what a picture is made of.
import type { Schemas } from '../api/client';

/** The answer of /graph. */
export type Graph = Schemas['Graph'];
export type GraphNode = Schemas['Node'];
export type GraphEdge = Schemas['Edge'];
export type Group = Schemas['Group'];
export type Traffic = Schemas['Traffic'];
export type Lock = Schemas['Lock'];

/** An event `change` of /graph/live: what differs from the graph before. */
export interface GraphChange {
  since: string;
  until: string;
  observed_seconds: number;
  traffic: Traffic;
  nodes: GraphNode[];
  /** All groups, if one of them differs. */
  groups: Group[];
  edges: GraphEdge[];
  gone: { nodes: string[]; edges: string[] };
  folded: number;
}

/** A node of the picture. `hides` are the IDs of nodes that this page folded into it. */
export interface Shown extends GraphNode {
  hides?: readonly string[];
  /** Seen before, and without a query in the time that is shown. */
  isQuiet?: boolean;
}

/**
 * A line of the picture: all edges from one node to another. Two engines see the queries between
 * them twice; `main` is what the asking one saw.
 */
export interface Link {
  id: string;
  source: string;
  target: string;
  main: GraphEdge;
  /** The same queries, as the engine that was asked saw them. */
  seen?: GraphEdge;
  lock: Lock;
  isQuiet?: boolean;
}

/** What a picture shows. */
export interface Scene {
  nodes: Shown[];
  groups: Group[];
  links: Link[];
  /** Links that are not drawn, because there are too many. */
  left: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Rect extends Point {
  width: number;
  height: number;
}
