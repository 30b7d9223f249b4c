/** Descriptions, which the standard writes in CommonMark: paragraphs, lists as they stand, code, emphasis and links. */
import { html, link, type Content, type Html } from './html.ts';

/** `code` and ``code``, **strong**, [text](address); everything else is text. */
const inline = /(?<!`)(`{1,2})(?!`)([^`]+)\1(?!`)|\*\*([^*]+)\*\*|\[([^\][]{1,500})\]\(([^()\s]{1,2000})\)/g;

/** The paragraphs of a description; nothing for what is no text. */
export function prose(text: unknown): Html | null {
  if (typeof text !== 'string' || text.trim() === '') return null;
  return html`<div class="prose">${text.trim().split(/\n\s*\n/).map((paragraph) => html`<p>${inlineOf(paragraph)}</p>`)}</div>`;
}

/** The first sentence or line, for tables. */
export function firstWords(text: unknown): string {
  if (typeof text !== 'string') return '';
  const [line = ''] = text.trim().split('\n');
  const plain = line.replace(/[`*]/g, '');
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}

function inlineOf(text: string): Content[] {
  const parts: Content[] = [];
  let end = 0;
  for (const match of text.matchAll(inline)) {
    const [whole, , code, strong, label, address] = match;
    parts.push(text.slice(end, match.index));
    parts.push(code !== undefined ? html`<code>${code}</code>` : strong !== undefined ? html`<strong>${strong}</strong>` : link(address, label));
    end = match.index + whole.length;
  }
  return [...parts, text.slice(end)];
}
