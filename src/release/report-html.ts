/** The report for people: one HTML file that needs nothing else, no script, no picture, no network. */
import { isBeyond, shown, type Check, type Figure } from './gate/check.ts';
import type { SetReport } from './gate/quality.ts';
import type { ReleaseReport, StageReport } from './report.ts';

const STYLE = `
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2733;background:#fff}
h1{margin-bottom:.2rem} h2{margin-top:2.2rem} .quiet{color:#5b6975} code{font-size:.9em;overflow-wrap:anywhere}
ol.stages{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0}
ol.stages li{flex:1 1 8rem;border:1px solid #c9d2da;border-top:.4rem solid #8795a1;border-radius:.3rem;padding:.5rem}
ol.stages li.passed{border-top-color:#1f7a4d} ol.stages li.failed{border-top-color:#b3261e;background:#fdf1f0}
table{border-collapse:collapse;width:100%} th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #dfe5ea}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.mark{font-weight:600} .passed .mark{color:#1f7a4d} .failed .mark{color:#b3261e} .allowed .mark{color:#8a5a00} .skipped .mark{color:#5b6975}
.beyond{color:#b3261e;font-weight:600} .warning{border-left:.3rem solid #d99100;padding:.2rem .8rem;background:#fff8e8}
@media (prefers-color-scheme:dark){body{color:#e4e9ee;background:#14191f}.quiet,.skipped .mark{color:#9aa8b5}th,td{border-color:#2c3742}ol.stages li{border-color:#2c3742}ol.stages li.failed{background:#331a18}.passed .mark{color:#58c48d}.failed .mark,.beyond{color:#ff8d85}.allowed .mark{color:#f0b94d}.warning{background:#2e2613}}`;

/** The page of a report. Everything that comes from a package is escaped. */
export function htmlOf(report: ReleaseReport): string {
  const { operator, version, status, started, machine, stages } = report;
  const title = `${operator} ${version}: ${status}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${text(title)}</title><style>${STYLE}</style></head>
<body><h1>${text(operator)} ${text(version)}</h1>
<p><strong>${text(sentences[status])}</strong> <span class="quiet">${text(started)}, ${text(machine.system)}, ${machine.processors} processors, Node ${text(machine.node)}, Lamina ${text(machine.lamina)}</span></p>
${report.allowed_regression === null ? '' : `<p class="warning">A regression was allowed: ${text(report.allowed_regression)}</p>`}
<h2>Stages</h2><ol class="stages">${stages.map(stageCard).join('')}</ol>
${stages.flatMap(({ warnings, stage }) => warnings.map((warning) => `<p class="warning">${text(stage)}: ${text(warning)}</p>`)).join('')}
${report.test ? `<h2>Checks</h2>${report.test.previous ? `<p>Compared with ${text(report.test.previous.version)} <code>${text(report.test.previous.digest)}</code>.</p>` : ''}${report.test.checks.map(checkSection).join('')}${report.test.sets.map(setSection).join('')}` : ''}
${report.build ? `<h2>Archive</h2><p><code>${text(report.build.archive)}</code>, ${report.build.size} bytes, sha256 <code>${text(report.build.sha256)}</code>; operator <code>${text(report.build.digest)}</code></p>` : ''}
${report.source ? sourceSection(report.source) : ''}
</body></html>`;
}

const sentences: Readonly<Record<ReleaseReport['status'], string>> = {
  published: 'Published.', tested: 'Good; not published, because that was not asked for.', refused: 'Refused: see the stage that failed.', running: 'Not at its end.',
};

function stageCard({ stage, status, detail, ms, resumed }: StageReport): string {
  return `<li class="${status}"><strong>${stage}</strong> <span class="mark">${status}</span><br>${text(detail)}<br><span class="quiet">${resumed ? 'by an earlier run' : `${ms} ms`}</span></li>`;
}

function checkSection({ check, status, detail, figures }: Check): string {
  const rows = figures.map((figure) => `<tr><td>${text(figure.name)}</td><td class="number${isBeyond(figure) ? ' beyond' : ''}">${withUnit(figure.value, figure)}</td><td class="number">${limitOf(figure)}</td><td class="number">${optional(figure.previous)}</td><td class="number">${optional(figure.baseline)}</td></tr>`);
  const table = `<table><thead><tr><th>figure</th><th class="number">value</th><th class="number">limit</th><th class="number">version before</th><th class="number">best baseline</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return `<details class="${status}"${status === 'failed' || status === 'allowed' ? ' open' : ''}><summary><strong>${check}</strong> <span class="mark">${status}</span> ${text(detail)}</summary>${rows.length > 0 ? table : ''}</details>`;
}

function setSection({ set, description, license, scores }: SetReport): string {
  const names = Object.keys(scores);
  const first = scores[names[0]!]!;
  const rows = first.map((score, i) => `<tr><td>${text(score.task)}, ${score.probe} (${score.metric})</td>${names.map((name) => `<td class="number">${shown(scores[name]![i]!.mean)} ± ${shown(scores[name]![i]!.deviation)}</td>`).join('')}<td class="number">${shown(score.q)}</td></tr>`);
  return `<h3>${text(set)}</h3><p>${text(description)}. <span class="quiet">${text(license)}. Means and deviations over folds; Q is that of NeuCo-Bench.</span></p><table><thead><tr><th>task</th>${names.map((name) => `<th class="number">${text(name)}</th>`).join('')}<th class="number">Q</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function sourceSection({ git, files }: NonNullable<ReleaseReport['source']>): string {
  const from = git ? `<p>Commit <code>${text(git.commit)}</code>${git.remote ? ` of ${text(git.remote)}` : ''}${git.dirty ? ', with changes that are not committed' : ''}.</p>` : '<p>Not under version control.</p>';
  return `<h2>Source</h2>${from}<table><tbody>${files.map(({ path, size, sha256 }) => `<tr><td>${text(path)}</td><td class="number">${size}</td><td><code>${sha256}</code></td></tr>`).join('')}</tbody></table>`;
}

function limitOf({ at_least: least, at_most: most }: Figure): string {
  return [...(least === undefined ? [] : [`≥ ${shown(least)}`]), ...(most === undefined ? [] : [`≤ ${shown(most)}`])].join(', ');
}

const withUnit = (value: number | null, { unit }: Figure) => `${shown(value)}${unit ? ` ${text(unit)}` : ''}`;
const optional = (value: number | undefined) => (value === undefined ? '' : shown(value));

/** Text as HTML. */
function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
