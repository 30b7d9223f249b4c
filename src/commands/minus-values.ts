/** Words of a command line whose value may begin with a minus. */

/** `--bbox -5,50,6,51` → `--bbox=-5,50,6,51`: node:util's parseArgs would take the value for an option. */
export function withMinusValues(words: readonly string[]): string[] {
  const isValue = (text: string | undefined, option: string | undefined) => /^-[\d.]/.test(text ?? '') && /^--[^=]+$/.test(option ?? '');
  return words.flatMap((word, at) => {
    if (isValue(word, words[at - 1])) return [];
    return isValue(words[at + 1], word) ? [`${word}=${words[at + 1]}`] : [word];
  });
}
