/** The frame of all pages: plain HTML that works without scripts, pictures or anything from elsewhere. */
import { createHash } from 'node:crypto';
import { html, Html, type Content } from './html.ts';

export interface Page {
  readonly title: string;
  readonly body: Content;
  /** Where the page stands, from the service down, without itself. */
  readonly trail?: readonly { readonly text: string; readonly href: string }[];
  /** Where the same is for programs; absent where there is none. */
  readonly json?: string;
}

const style = `
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem }
header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; justify-content: space-between; border-bottom: 1px solid #8886; padding-bottom: .5rem }
nav ol { display: flex; flex-wrap: wrap; list-style: none; margin: 0; padding: 0 }
nav li:not(:last-child)::after { content: '/'; padding: 0 .5rem; opacity: .7 }
h1, h2, dd, li, p { overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding-bottom: .5rem }
th, td { text-align: left; vertical-align: top; padding: .4rem 1rem .4rem 0; border-top: 1px solid #8886 }
tbody th { font-weight: 600 }
td p, dd p { margin: 0 0 .4rem }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .2rem 1.5rem }
dt { font-weight: 600 }
dd { margin: 0 }
pre { overflow: auto; max-height: 40rem; padding: 1rem; border: 1px solid #8886; border-radius: .3rem }
.prose p { white-space: pre-line }
`;

/** Allows the one style of a page and nothing else: no script, no frame, no form, nothing from elsewhere. */
export function policyFor(styles: string): string {
  const hash = createHash('sha256').update(styles).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** The headers of a page. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': policyFor(style),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

export function layout({ title, body, trail = [], json }: Page): string {
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
${json !== undefined && html`<link rel="alternate" type="application/json" href="${json}">`}
<style>${new Html(style)}</style>
</head>
<body>
<header>
<nav aria-label="You are here"><ol>${trail.map(({ text, href }) => html`<li><a href="${href}">${text}</a></li>`)}<li aria-current="page">${title}</li></ol></nav>
${json !== undefined && html`<a href="${json}">This as JSON</a>`}
</header>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text}`;
}
