// What came of making a document: said on its page, which begins when it is made.

let kept = '';

/** Keeps a sentence for the page that comes next. */
export function keepNews(sentence: string): void {
  kept = sentence;
}

/** The sentence for this page, once. */
export function takeNews(): string {
  const sentence = kept;
  kept = '';
  return sentence;
}
