// The times of a rule as spans of a week, to be drawn.
import { valueAt } from './path';
import { textAt, textsAt } from './yaml-text';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

const MANY: Record<string, readonly Day[]> = {
  weekdays: DAYS.slice(0, 5),
  weekend: DAYS.slice(5),
};
const DAY_MINUTES = 24 * 60;

/** A part of one day, in minutes from its beginning. */
export interface DaySpan {
  day: Day;
  from: number;
  to: number;
}

/** The schedule of one rule. */
export interface Schedule {
  /** The index of the rule. */
  rule: number;
  action: 'allow' | 'block';
  names: string[];
  timezone: string;
  spans: DaySpan[];
}

/** The days of the words of `when.days`; without words every day. */
export function daysOf(words: readonly string[]): Day[] {
  if (!words.length) return [...DAYS];
  const meant = words.flatMap((word) => {
    const one = word.trim().toLowerCase();
    return MANY[one] ?? DAYS.filter((day) => one.startsWith(day));
  });
  return DAYS.filter((day) => meant.includes(day));
}

/** The minute of a time such as 21:00; undefined for anything else. */
export function minuteOf(time: string | undefined): number | undefined {
  const found = /^(\d{1,2}):(\d{2})$/.exec(time?.trim() ?? '');
  const minute = found ? Number(found[1]) * 60 + Number(found[2]) : NaN;
  return minute <= DAY_MINUTES ? minute : undefined;
}

/** The spans of a week; a span that ends on the next day is two. */
export function weekOf(days: readonly Day[], from?: number, to?: number): DaySpan[] {
  const [begin, end] = [from ?? 0, to ?? DAY_MINUTES];
  return days.flatMap((day) => {
    if (end > begin) return [{ day, from: begin, to: end }];
    const next = DAYS[(DAYS.indexOf(day) + 1) % 7] ?? day;
    const late = { day, from: begin, to: DAY_MINUTES };
    return end > 0 ? [late, { day: next, from: 0, to: end }] : [late];
  });
}

/** The schedules of the rules of a policy. */
export function schedulesOf(policy: unknown): Schedule[] {
  const rules = valueAt(policy, ['spec', 'rules']);
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: unknown, at) => {
    const when = valueAt(rule, ['when']);
    if (typeof when !== 'object' || when === null) return [];
    const action = valueAt(rule, ['block']) === undefined ? 'allow' : 'block';
    const [from, to] = [minuteOf(textAt(when, ['from'])), minuteOf(textAt(when, ['to']))];
    return {
      rule: at,
      action,
      names: textsAt(rule, [action]),
      timezone: textAt(when, ['timezone']) ?? '',
      spans: weekOf(daysOf(textsAt(when, ['days'])), from, to),
    };
  });
}

/** A minute of the day as 07:30. */
export const showMinute = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
