// What a User-Agent says, in two words.

const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/.* Safari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** Chrome, Linux; or the text itself where it is of no browser. */
export function agentName(agent: string): string {
  const found = [BROWSERS, SYSTEMS].map((words) => words.find(([sign]) => sign.test(agent))?.[1]);
  if (!agent.startsWith('Mozilla/') || !found[0]) return agent;
  return found.filter(Boolean).join(', ');
}
