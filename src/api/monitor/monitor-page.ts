/** The HTML of the page of a job. What it shows is found out by its script. */
import { html } from '../pages/html.ts';

export interface MonitorPage {
  /** URLs of the service and of its API, without a slash at their ends. */
  readonly base: string;
  readonly api: string;
  readonly jobId: string;
  readonly isBasicOn: boolean;
}

export function monitorPage({ base, api, jobId, isBasicOn }: MonitorPage): string {
  const part = (name: string) => `${base}/monitor/parts/${name}`;
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Job ${jobId}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${part('monitor.css')}">
<script type="module" src="${part('monitor.js')}"></script>
</head>
<body data-api="${api}" data-job="${jobId}">
<header><nav aria-label="You are here"><a href="${base}/">Lamina</a></nav><button type="button" id="leave" hidden>Log out</button></header>
<main>
<form id="login" hidden>
<h1>Log in to see this job</h1>
<p id="login-problem" role="alert"></p>
${isBasicOn && html`<fieldset><legend>With name and password</legend>
<label>Name <input name="user" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
</fieldset>`}
<fieldset><legend>${isBasicOn ? 'Or with a token' : 'With a token'}</legend>
<label>Token <input name="token" type="password" autocomplete="off"></label>
<p>As clients send it behind <code>Bearer</code>. It stays in this tab.</p>
</fieldset>
<button>Log in</button>
</form>
<article id="job" hidden>
<h1 id="title"></h1>
<p id="summary"><strong id="status"></strong> <span id="times"></span></p>
<div id="bar"><progress id="progress" max="100" aria-label="Progress"></progress> <output id="percent" for="progress"></output></div>
<ol id="stages" aria-label="Stages"></ol>
<section id="detail" aria-live="polite" hidden><h2 id="detail-title"></h2><p id="detail-text"></p><ol id="detail-log" class="log"></ol></section>
<details id="all"><summary>The whole log (<span id="count">0</span>)</summary><ol id="log" class="log"></ol></details>
</article>
<p id="notice" role="status"></p>
<noscript><p>The page needs a script of this service.</p></noscript>
</main>
</body>
</html>
`.text}`;
}
