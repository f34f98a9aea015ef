// Runs the layout beside the page, so that it stays quick while a large graph is ordered.
import { orderOf } from './order';
import type { OrderTask } from './order-task';

self.onmessage = ({ data }: MessageEvent<{ number: number; task: OrderTask }>) => {
  self.postMessage({ number: data.number, order: orderOf(data.task) });
};
