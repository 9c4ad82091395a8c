// The pages' HTML, which the script fills: an overview, and one service with its log.

/** What is between tags or in an attribute of ours. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

interface Page {
  readonly title: string;
  /** What the script does. */
  readonly kind: "overview" | "service";
  /** The service. */
  readonly name?: string;
  readonly key: string;
  readonly main: string;
}

function page({ title, kind, name, key, main }: Page): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="shepherd-key" content="${escaped(key)}">
<title>${escaped(title)}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body data-page="${kind}"${name === undefined ? "" : ` data-service="${escaped(name)}"`}>
<a class="skip" href="#main">Skip to content</a>
<header>
<p class="brand"><a href="/">Shepherd</a></p>
<p id="connection" role="status">Connecting…</p>
</header>
<main id="main" tabindex="-1">
<noscript><p>This page needs JavaScript; <code>herd status</code> does not.</p></noscript>
${main}
<p id="outcome" role="status"></p>
</main>
</body>
</html>
`;
}

export function overviewPage(key: string): string {
  return page({
    title: "Services – Shepherd",
    kind: "overview",
    key,
    main: `<h1>Services</h1>
<p id="summary"></p>
<p><label for="filter">Show services whose name has</label> <input id="filter" type="search" autocomplete="off" spellcheck="false"></p>
<div class="scroll" tabindex="0" role="region" aria-label="Table of services">
<table>
<thead><tr>
<th scope="col">Service</th><th scope="col">State</th><th scope="col">For</th><th scope="col">Memory</th>
<th scope="col">Restarts</th><th scope="col">Why</th><th scope="col">Orders</th>
</tr></thead>
<tbody id="services"></tbody>
</table>
</div>
<h2>Timers</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Table of timers">
<table>
<thead><tr><th scope="col">Timer</th><th scope="col">Next</th><th scope="col">In</th><th scope="col">Last run</th></tr></thead>
<tbody id="timers"></tbody>
</table>
</div>
<p id="no-timers" hidden>No timer runs.</p>
<h2>Requirements</h2>
<p>A line goes from a service to what it requires, which is to its left. The state is in the sign before the name, and in the colour.</p>
<ul id="legend"></ul>
<div id="graph" class="scroll" tabindex="0" role="region" aria-label="Graph of requirements"></div>`,
  });
}

export function servicePage(name: string, key: string): string {
  return page({
    title: `${name} – Shepherd`,
    kind: "service",
    name,
    key,
    main: `<h1>${escaped(name)}</h1>
<p id="documentation"></p>
<dl id="facts"></dl>
<div id="orders" role="group" aria-label="Orders"></div>
<h2>Log</h2>
<p><label><input id="follow" type="checkbox" checked> Keep the newest line in view</label></p>
<div id="log" class="scroll" role="log" aria-live="off" aria-label="Lines of ${escaped(name)}" tabindex="0"></div>`,
  });
}

/** What somebody without the token gets: nothing about the system. */
export const signInPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Shepherd</title></head>
<body><main><h1>A token is needed</h1>
<p>Load this page again, and give the token as the password; the user name does not matter.
<code>herd doc web</code> says where the token is.</p></main></body></html>
`;

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M9 15V6a3 3 0 1 0-6 0" fill="none" stroke="#2a7a2a" stroke-width="2" stroke-linecap="round"/></svg>
`;
