// From data to what uPlot takes. Colors are tokens, read when a chart is drawn.
import type uPlot from 'uplot';

/** A line or the part of a stack. `color` is the name of a token, such as `blocked`. */
export interface Series {
  label: string;
  color: string;
  values: readonly number[];
}

/** Values over time. */
export interface ChartData {
  /** The start of each interval, in seconds of Unix time. */
  times: readonly number[];
  /** The length of an interval in seconds: the axis then reaches the end of the last one. */
  step?: number;
  series: readonly Series[];
  /** `stack`: bars on each other, the first at the bottom. */
  kind: 'stack' | 'lines';
}

interface Frame {
  width: number;
  height: number;
  show: (value: number) => string;
  onrange?: ((from: number, to: number) => void) | undefined;
}

const AXIS_SIZE = 48;
const DAY = 86_400;
const shortDay = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const minute = new Intl.DateTimeFormat(undefined, { timeStyle: 'short', hourCycle: 'h23' });

/** Options and values for uPlot. */
export function plot(
  library: typeof uPlot,
  data: ChartData,
  frame: Frame,
): { options: uPlot.Options; values: uPlot.AlignedData } {
  const isStack = data.kind === 'stack';
  const values = isStack ? stacked(data.series) : data.series.map((one) => [...one.values]);
  const bars = isStack ? library.paths.bars?.({ size: [0.85, Infinity], align: 1 }) : undefined;
  const span = spanOf(data);
  // Taller bars are drawn first, and the next ones over them.
  const order = data.series.map((_, at) => (isStack ? data.series.length - 1 - at : at));
  return {
    options: {
      width: frame.width,
      height: frame.height,
      // At the right half of the longest mark has room, 14:03:59.
      padding: [8, 32, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: frame.onrange !== undefined, y: false, setScale: false },
      },
      scales: {
        x: { time: true, ...(span && { range: () => span }) },
        y: { range: (_, __, most) => [0, Math.max(most * 1.05, 1)] },
      },
      axes: axes(frame.show),
      series: [{}, ...order.map((at) => series(data.series[at] as Series, bars))],
      hooks: { setSelect: [(chart) => choose(chart, frame.onrange)] },
    },
    values: [[...data.times], ...order.map((at) => values[at] ?? [])],
  };
}

/** What the axis of time covers: all of each interval, the last one too. */
export function spanOf({ times, step }: ChartData): [number, number] | undefined {
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined || !step ? undefined : [first, last + step];
}

/** Each series on top of those before it. */
export function stacked(all: readonly Series[]): number[][] {
  const sums: number[][] = [];
  for (const { values } of all) {
    const below = sums.at(-1);
    sums.push(values.map((value, at) => value + (below?.[at] ?? 0)));
  }
  return sums;
}

function series(one: Series, bars: uPlot.Series.PathBuilder | undefined): uPlot.Series {
  const color = token(one.color);
  const shared = { label: one.label, stroke: color, points: { show: false } };
  return bars ? { ...shared, fill: color, width: 0, paths: bars } : { ...shared, width: 1.5 };
}

function axes(show: (value: number) => string): uPlot.Axis[] {
  const shared = {
    stroke: token('ink-3'),
    font: `12px ${token('font')}`,
    ticks: { show: false },
    gap: 6,
  };
  return [
    {
      ...shared,
      grid: { show: false },
      size: 28,
      space: 72,
      values: (_, splits, __, ___, step) => splits.map((at) => mark(at, step)),
    },
    {
      ...shared,
      size: AXIS_SIZE,
      grid: { stroke: token('line'), width: 1 },
      space: 48,
      values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? show(at) : '')),
    },
  ];
}

/** A mark below the chart: the day where a step is one or more, else the time. */
function mark(seconds: number, step: number): string {
  const at = new Date(seconds * 1000);
  if (step >= DAY) return shortDay.format(at);
  if (at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0)
    return shortDay.format(at);
  return (step < 60 ? clock : minute).format(at);
}

function choose(chart: uPlot, onrange: Frame['onrange']): void {
  const { left, width } = chart.select;
  if (!onrange || width < 4) return;
  onrange(chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x'));
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
