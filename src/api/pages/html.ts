/** HTML in which every text is escaped: only what was made here counts as markup. */
import { escapeHtml } from '../http/html.ts';

/** Markup, made by `html` only. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: texts are escaped, lists are joined, nothing stays nothing. */
export type Content = Html | string | number | boolean | null | undefined | readonly Content[];

/** A template of markup, also for the values of quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(strings.reduce((text, string, i) => text + string + (i < values.length ? markup(values[i]) : ''), ''));
}

function markup(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Html) return content.text;
  return typeof content === 'object' ? content.map(markup).join('') : escapeHtml(String(content));
}

/** A link to a web address; of any other kind of address (a script is one) only the text. */
export function link(href: unknown, text: Content = String(href)): Html {
  return isWebAddress(href) ? html`<a href="${href}">${text}</a>` : html`${text}`;
}

function isWebAddress(href: unknown): href is string {
  return typeof href === 'string' && URL.canParse(href) && /^https?:$/.test(new URL(href).protocol);
}
