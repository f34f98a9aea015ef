// From nodes of the graph to those of xyflow.
import { isEngine } from './columns';
import { SIZES, type Places } from './place';
import type { Shown } from './types';
import type { Spot } from './walk';

/** A node as it is drawn. */
export interface NodeLook {
  node: Shown;
  rate: number;
  outcomes: Readonly<Record<string, number>>;
  isFaint: boolean;
  isChosen: boolean;
  isCurrent: boolean;
}

interface Actions {
  onpick: (spot: Spot) => void;
  onenter: (spot: Spot) => void;
}

/** Boxes first, so that nodes lie on them. Nobody moves or chooses them by xyflow's own means. */
export function flowNodes(places: Places, looks: readonly NodeLook[], actions: Actions) {
  const fixed = { draggable: false, selectable: false, focusable: false, connectable: false };
  const boxes = places.boxes.map((box) => ({
    ...fixed,
    id: `box ${box.column} ${box.id}`,
    type: 'box',
    position: { x: box.x, y: box.y },
    width: box.width,
    height: box.height,
    measured: { width: box.width, height: box.height },
    domAttributes: { 'aria-roledescription': undefined },
    zIndex: -1,
    data: { box },
  }));
  const cards = looks.flatMap((look) => {
    const rect = places.nodes.get(look.node.id);
    if (!rect) return [];
    const spot: Spot = { kind: 'node', id: look.node.id };
    return [
      {
        ...fixed,
        id: look.node.id,
        type: 'card',
        position: { x: rect.x, y: rect.y },
        width: rect.width,
        height: rect.height,
        measured: { width: rect.width, height: rect.height },
        domAttributes: { 'aria-roledescription': undefined },
        data: {
          ...look,
          isRoomy: rect.height >= SIZES.roomy,
          isEngine: isEngine(look.node),
          onpick: () => actions.onpick(spot),
          onenter: () => actions.onenter(spot),
        },
      },
    ];
  });
  return [...boxes, ...cards];
}
