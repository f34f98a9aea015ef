// How numbers and times are shown: in the person's own zone and manner of writing.
import { text } from '../strings';
import { clock as pageClock } from './clock.svelte';

const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const minute = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const both = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});
const UNITS: [number, Intl.NumberFormatOptions['unit']][] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** 12,345. */
export const count = (value: number): string => whole.format(value);

/** 12,345 up to a hundred thousand, then 1.2M. */
export const short = (value: number): string =>
  Math.abs(value) < 100_000 ? whole.format(value) : compact.format(value);

/** A share of 0 to 1 as a percentage: 99.97 is never shown as 100, nor 0.01 as 0. */
export function share(value: number): string {
  const percent = value * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent > 99.9) return '> 99.9 %';
  if (percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(percent < 10 ? 1 : percent > 99 ? 1 : 0)} %`;
}

/** A rate per second: 0.4, 12, 3,400. */
export const rate = (value: number): string =>
  value === 0 ? '0' : value < 10 ? value.toFixed(1) : whole.format(Math.round(value));

/** Microseconds as µs, ms or s. */
export function micros(value: number): string {
  if (value < 1_000) return `${Math.round(value)} µs`;
  if (value < 1_000_000) return `${precise(value / 1_000)} ms`;
  return `${precise(value / 1_000_000)} s`;
}

const precise = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

/** Octets as B, KiB, MiB or GiB. */
export function octets(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at === 0 ? value : precise(value)} ${units[at]}`;
}

type Moment = string | number | Date;

/** 14:03:59 today, with the day otherwise. */
export function time(moment: Moment): string {
  const at = new Date(moment);
  return at.toDateString() === new Date().toDateString() ? clock.format(at) : both.format(at);
}

/** 14:03 today, with the day otherwise. */
export function until(moment: Moment): string {
  const at = new Date(moment);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? minute.format(at) : `${day.format(at)}, ${minute.format(at)}`;
}

/** The day and the time, always. */
export const fullTime = (moment: Moment): string => both.format(new Date(moment));

/** The day alone. */
export const date = (moment: Moment): string => day.format(new Date(moment));

/** When something ends: in 8 minutes within a day, else the day. It goes on as `ago` does. */
export function end(moment: Moment, now = pageClock.now): string {
  return Math.abs(new Date(moment).getTime() - now) < 86_400_000 ? ago(moment, now) : date(moment);
}

/** A span of seconds in its largest unit: 3 hours. */
export function span(seconds: number): string {
  const [size, unit] = UNITS.find(([one]) => Math.abs(seconds) >= one) ?? [1, 'second'];
  const style = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(undefined, style).format(Math.floor(Math.abs(seconds) / size));
}

/** A file without its folders: where a machine keeps it says nothing to who reads. A URL stays. */
export const fileName = (path: string): string =>
  path.startsWith('/') ? (path.split('/').at(-1) ?? path) : path;

/** 3 hours ago, or in 3 hours. Where it is shown, it goes on with the clock of the page. */
export function ago(moment: Moment, now = pageClock.now): string {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  if (Math.abs(seconds) < 2) return text.parts.ago.now;
  return seconds < 0 ? text.parts.ago.ago(span(seconds)) : text.parts.ago.in(span(seconds));
}
